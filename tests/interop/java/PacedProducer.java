import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends numbered messages at a steady pace, with a client as it comes: its own retries, routes asked for every 30 s unless said
 * otherwise. Writes one line "number startMs endMs outcome" for each send, where the outcome is the status, or the name of
 * the exception that the application would have to handle. Ends when standard input does.
 * Arguments: namesrvAddr topic threads pauseMs file [pollNameServerIntervalMs].
 */
public final class PacedProducer {
    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int threads = Integer.parseInt(args[2]);
        long pauseMs = Long.parseLong(args[3]);
        FileOutputStream file = new FileOutputStream(args[4]);
        DefaultMQProducer producer = new DefaultMQProducer("PacedProducer");
        producer.setNamesrvAddr(args[0]);
        if (args.length > 5) {
            producer.setPollNameServerInterval(Integer.parseInt(args[5]));
        }
        producer.start();

        AtomicBoolean stopping = new AtomicBoolean();
        AtomicLong number = new AtomicLong();
        Thread[] senders = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            senders[i] = new Thread(() -> {
                while (!stopping.get()) {
                    long mine = number.incrementAndGet();
                    long startMs = System.currentTimeMillis();
                    String outcome;
                    try {
                        byte[] body = Long.toString(mine).getBytes(StandardCharsets.UTF_8);
                        SendResult result = producer.send(new Message(topic, body));
                        outcome = result.getSendStatus().name();
                    } catch (Exception e) {
                        outcome = e.getClass().getSimpleName();
                    }
                    write(file, mine + " " + startMs + " " + System.currentTimeMillis() + " " + outcome);
                    pause(pauseMs);
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
        System.exit(0);
    }

    private static synchronized void write(FileOutputStream file, String line) {
        try {
            file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
