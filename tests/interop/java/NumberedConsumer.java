import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A push consumer as it comes, which writes one line "number receivedMs" for each message of PacedProducer that it was
 * given, until standard input ends. Arguments: namesrvAddr group topic file [pollNameServerIntervalMs].
 */
public final class NumberedConsumer {
    public static void main(String[] args) throws Exception {
        FileOutputStream file = new FileOutputStream(args[3]);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[1]);
        consumer.setNamesrvAddr(args[0]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        if (args.length > 4) {
            consumer.setPollNameServerInterval(Integer.parseInt(args[4]));
        }
        consumer.subscribe(args[2], "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            StringBuilder lines = new StringBuilder();
            for (MessageExt message : messages) {
                lines.append(new String(message.getBody(), StandardCharsets.UTF_8)).append(' ')
                    .append(System.currentTimeMillis()).append('\n');
            }
            try {
                synchronized (file) {
                    file.write(lines.toString().getBytes(StandardCharsets.UTF_8));
                }
            } catch (Exception e) {
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        System.out.println("consuming");
        while (System.in.read() >= 0) {
            continue;
        }
        consumer.shutdown();
        System.exit(0);
    }
}
