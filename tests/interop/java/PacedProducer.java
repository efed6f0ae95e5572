import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

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
        // Threads that first meet a broker together open a connection each, and the client (5.5.0) does not tell those whose requests
        // are on one that is not in its table that it was closed: they wait in vain for all the time that a send may take.
        for (MessageQueue queue : producer.fetchPublishMessageQueues(topic)) {
            send(number.incrementAndGet(), file, body -> producer.send(new Message(topic, body), queue));
        }
        Thread[] senders = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            senders[i] = new Thread(() -> {
                while (!stopping.get()) {
                    send(number.incrementAndGet(), file, body -> producer.send(new Message(topic, body)));
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

    /** One way to send a body. */
    private interface Sending {
        SendResult of(byte[] body) throws Exception;
    }

    private static void send(long number, FileOutputStream file, Sending sending) {
        long startMs = System.currentTimeMillis();
        String outcome;
        try {
            outcome = sending.of(Long.toString(number).getBytes(StandardCharsets.UTF_8)).getSendStatus().name();
        } catch (Exception e) {
            outcome = e.getClass().getSimpleName();
        }
        write(file, number + " " + startMs + " " + System.currentTimeMillis() + " " + outcome);
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
