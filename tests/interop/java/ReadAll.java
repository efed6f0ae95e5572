import java.io.PrintStream;
import java.io.FileOutputStream;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Reads every queue of a topic from its least to its greatest offset and writes one line "msgId queueId queueOffset"
 * into a file for each message, as the broker gives them out. Arguments: namesrvAddr topic file.
 */
public final class ReadAll {
    private static final int BATCH = 32;

    public static void main(String[] args) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("ReadAll");
        consumer.setNamesrvAddr(args[0]);
        consumer.start();
        long messages = 0;
        int queues = 0;
        try (PrintStream file = new PrintStream(new FileOutputStream(args[2]), false, "UTF-8")) {
            for (MessageQueue queue : new TreeSet<>(consumer.fetchSubscribeMessageQueues(args[1]))) {
                messages += readQueue(consumer, queue, file);
                queues++;
            }
        }
        consumer.shutdown();
        System.out.printf("read %d messages from %d queues%n", messages, queues);
        System.exit(0);
    }

    private static long readQueue(DefaultMQPullConsumer consumer, MessageQueue queue, PrintStream file) throws Exception {
        long offset = consumer.minOffset(queue);
        long end = consumer.maxOffset(queue);
        long messages = 0;
        while (offset < end) {
            PullResult result = consumer.pull(queue, "*", offset, BATCH);
            if (result.getPullStatus() == PullStatus.FOUND) {
                for (MessageExt message : result.getMsgFoundList()) {
                    file.println(message.getMsgId() + " " + message.getQueueId() + " " + message.getQueueOffset());
                    messages++;
                }
            }
            if (result.getNextBeginOffset() <= offset) {
                throw new IllegalStateException(queue + " is stuck at " + offset + " of " + end + ": " + result);
            }
            offset = result.getNextBeginOffset();
        }
        return messages;
    }
}
