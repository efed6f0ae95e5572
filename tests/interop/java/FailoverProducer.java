import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends a few hundred messages a second and writes one line "msgId queueId queueOffset sentMs ackedMs offsetMsgId" into a
 * file for each one that was acknowledged with SEND_OK, until standard input ends. A send is tried once: an error means
 * that nobody may count on the message, and the thread goes on with the next one. Arguments: namesrvAddr topic threads
 * file, and how often routes are asked for, in milliseconds.
 */
public final class FailoverProducer {
    private static final long PAUSE_AFTER_ERROR_MS = 50;
    private static final long PAUSE_MS = 10;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int threads = Integer.parseInt(args[2]);
        FileOutputStream file = new FileOutputStream(args[3]);
        DefaultMQProducer producer = new DefaultMQProducer("FailoverProducer");
        producer.setNamesrvAddr(args[0]);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setPollNameServerInterval(Integer.parseInt(args[4]));
        producer.start();

        AtomicBoolean stopping = new AtomicBoolean();
        AtomicLong number = new AtomicLong();
        AtomicLong acknowledged = new AtomicLong();
        AtomicLong refused = new AtomicLong();
        Thread[] senders = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            senders[i] = new Thread(() -> {
                while (!stopping.get()) {
                    byte[] body = ("message " + number.incrementAndGet()).getBytes(StandardCharsets.UTF_8);
                    long sentMs = System.currentTimeMillis();
                    try {
                        SendResult result = producer.send(new Message(topic, body), 3000);
                        if (result.getSendStatus() != SendStatus.SEND_OK) {
                            refused.incrementAndGet();
                            continue;
                        }
                        write(file, result.getMsgId() + " " + result.getMessageQueue().getQueueId() + " "
                            + result.getQueueOffset() + " " + sentMs + " " + System.currentTimeMillis() + " "
                            + result.getOffsetMsgId());
                        acknowledged.incrementAndGet();
                        pause(PAUSE_MS);
                    } catch (Exception e) {
                        refused.incrementAndGet();
                        pause(PAUSE_AFTER_ERROR_MS);
                    }
                }
            });
            senders[i].start();
        }
        System.out.println("sending");
        while (System.in.read() >= 0) {
            continue;
        }
        stopping.set(true);
        for (Thread sender : senders) {
            sender.join();
        }
        producer.shutdown();
        file.close();
        System.out.printf("acknowledged %d, refused %d%n", acknowledged.get(), refused.get());
        System.exit(0);
    }

    private static synchronized void write(FileOutputStream file, String line) throws Exception {
        file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static void pause(long forMs) {
        try {
            Thread.sleep(forMs);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
