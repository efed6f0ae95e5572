import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Every kind of send at once, at a steady rate, until standard input says anything or ends; then it goes on answering
 * transaction checks until standard input has ended. Arguments: namesrvAddr file messagesPerSecond longestDelayMs.
 *
 * A message's body is its identity, KIND:NUMBER (ordered:KEY:NUMBER), and its outcome is one line of the file:
 * "id outcome msgId queueId queueOffset sentMs answeredMs detail". The outcome is OK for SEND_OK and otherwise the send
 * status or the exception: the message may or may not be stored then. A send is tried once, except that an ordered one
 * is repeated until it is acknowledged, so that its successor never overtakes it. The detail is tag:n:region of ordinary
 * and batched messages, the delay in ms of delayed and timed ones, commit or rollback of transactions, else "-".
 */
public final class MixedRunProducer {
    private static final long PAUSE_AFTER_ERROR_MS = 100;
    private static final int TIMEOUT_MS = 3000;
    private static final int BATCH = 10;
    private static final int ORDERED_KEYS = 20;
    /** One timed message in so many is due long after the run: it must stay pending. */
    private static final int PARKED_EVERY = 50;
    private static final long PARKED_MS = 3_600_000;
    private static final long[] LEVEL_MS = {1_000, 5_000, 10_000, 30_000};
    private static final String[] TAGS = {"TagA", "TagB", "TagC"};

    /** What a producer knows of its local transaction by number: absent while the half message is being sent. */
    private static final Map<Long, LocalTransactionState> DECIDED = new ConcurrentHashMap<>();
    private static final Map<Long, Boolean> SENDING = new ConcurrentHashMap<>();
    private static final Map<Long, Boolean> ASKED = new ConcurrentHashMap<>();
    private static final AtomicLong CHECKS = new AtomicLong();

    private static volatile boolean stopping;
    private static FileOutputStream file;
    private static DefaultMQProducer producer;
    private static TransactionMQProducer transactions;

    private interface Send {
        SendResult send() throws Exception;
    }

    private interface Task {
        void run(long number) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        file = new FileOutputStream(args[1], true);
        double rate = Double.parseDouble(args[2]);
        long longestDelayMs = Long.parseLong(args[3]);
        producer = start(new DefaultMQProducer("MixedProducer"), args[0]);
        transactions = new TransactionMQProducer("MixedTransactionProducer");
        transactions.setTransactionListener(new Decisions());
        start(transactions, args[0]);

        List<Thread> threads = new ArrayList<>();
        threads.addAll(every(4, rate * 0.40, MixedRunProducer::sendOrdinary));
        threads.addAll(every(1, rate * 0.20 / BATCH, MixedRunProducer::sendBatch));
        threads.addAll(orderly(4, rate * 0.20));
        threads.addAll(every(2, rate * 0.05, number -> sendDelayed(number, longestDelayMs)));
        threads.addAll(every(2, rate * 0.05, number -> sendTimed(number, longestDelayMs)));
        threads.addAll(every(2, rate * 0.07, MixedRunProducer::sendTransaction));
        threads.addAll(every(1, rate * 0.03, MixedRunProducer::sendRetried));
        System.out.println("sending");
        System.in.read();
        stopping = true;
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println("stopped");
        while (System.in.read() >= 0) {
            continue;
        }
        System.out.printf("answered %d transaction checks%n", CHECKS.get());
        producer.shutdown();
        transactions.shutdown();
        System.exit(0);
    }

    private static <P extends DefaultMQProducer> P start(P producer, String namesrvAddr) throws Exception {
        producer.setNamesrvAddr(namesrvAddr);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setPollNameServerInterval(1000);
        producer.setSendMsgTimeout(TIMEOUT_MS);
        producer.start();
        return producer;
    }

    /** Threads that together run a task so often in a second; each run has its own number, from 1. */
    private static List<Thread> every(int threads, double perSecond, Task task) {
        AtomicLong numbers = new AtomicLong();
        return paced(threads, perSecond, thread -> task.run(numbers.incrementAndGet()));
    }

    /** Threads that each send for keys of their own, one message after the other. */
    private static List<Thread> orderly(int threads, double perSecond) {
        long[] numbers = new long[ORDERED_KEYS];
        int[] turns = new int[threads];
        return paced(threads, perSecond, thread -> {
            int index = (int) thread;
            int key = (turns[index]++ * threads + index) % ORDERED_KEYS;
            sendOrdered(key, ++numbers[key]);
        });
    }

    /** Runs a task with the number of the thread. What was missed while the broker was away is not made up for. */
    private static List<Thread> paced(int threads, double perSecond, Task task) {
        long periodNs = (long) (1e9 * threads / perSecond);
        List<Thread> started = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int index = i;
            Thread thread = new Thread(() -> {
                long nextNs = System.nanoTime() + periodNs * index / threads;
                while (!stopping) {
                    try {
                        sleepUntil(nextNs);
                        nextNs = Math.max(nextNs + periodNs, System.nanoTime() - periodNs);
                        task.run(index);
                    } catch (Exception e) {
                        e.printStackTrace();
                    }
                }
            });
            thread.start();
            started.add(thread);
        }
        return started;
    }

    private static void sendOrdinary(long number) throws Exception {
        Message message = ordinary("ordinary:" + number, number);
        report(List.of("ordinary:" + number), detail(number), () -> producer.send(message));
    }

    private static void sendBatch(long number) throws Exception {
        List<String> ids = new ArrayList<>();
        List<Message> messages = new ArrayList<>();
        for (long n = number * BATCH; n < (number + 1) * BATCH; n++) {
            ids.add("batch:" + n);
            // All of a batch have the same number to filter by, so that one detail describes all of them.
            messages.add(ordinary("batch:" + n, number));
        }
        report(ids, detail(number), () -> producer.send(messages));
    }

    private static void sendOrdered(int key, long number) throws Exception {
        String id = "ordered:" + key + ":" + number;
        Send send = () -> producer.send(message("MixedOrdered", id), (queues, message, k) -> queues.get(key % queues.size()), key);
        while (!report(List.of(id), "-", send)) {
            continue;
        }
    }

    private static void sendDelayed(long number, long longestDelayMs) throws Exception {
        int levels = 0;
        while (levels < LEVEL_MS.length && LEVEL_MS[levels] <= longestDelayMs) {
            levels++;
        }
        int level = (int) (number % levels);
        Message message = message("MixedDelayed", "delayed:" + number);
        message.setDelayTimeLevel(level + 1);
        report(List.of("delayed:" + number), "" + LEVEL_MS[level], () -> producer.send(message));
    }

    private static void sendTimed(long number, long longestDelayMs) throws Exception {
        boolean parked = number % PARKED_EVERY == 0;
        long delayMs = parked ? PARKED_MS : ThreadLocalRandom.current().nextLong(200, longestDelayMs);
        Message message = message("MixedDelayed", "timed:" + number);
        if (number % 2 == 0) {
            message.setDelayTimeMs(delayMs);
        } else {
            message.setDeliverTimeMs(System.currentTimeMillis() + delayMs);
        }
        report(List.of("timed:" + number), "" + delayMs, () -> producer.send(message));
    }

    private static void sendRetried(long number) throws Exception {
        Message message = message("MixedRetried", "retried:" + number);
        report(List.of("retried:" + number), "-", () -> producer.send(message));
    }

    /** Of ten: six commit, two roll back, and of two only a check learns the end, one each way. */
    private static void sendTransaction(long number) throws Exception {
        Message message = message("MixedTransaction", "transaction:" + number);
        message.putUserProperty("number", "" + number);
        SENDING.put(number, true);
        boolean ok = report(List.of("transaction:" + number), isCommitted(number) ? "commit" : "rollback",
            () -> transactions.sendMessageInTransaction(message, number));
        if (!ok) {
            DECIDED.put(number, LocalTransactionState.ROLLBACK_MESSAGE);
        }
        SENDING.remove(number);
    }

    private static boolean isCommitted(long number) {
        return number % 10 < 6 || number % 10 == 8;
    }

    private static final class Decisions implements TransactionListener {
        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object number) {
            LocalTransactionState state = isCommitted((Long) number) ? LocalTransactionState.COMMIT_MESSAGE
                : LocalTransactionState.ROLLBACK_MESSAGE;
            DECIDED.put((Long) number, state);
            return (Long) number % 10 < 8 ? state : LocalTransactionState.UNKNOW;
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            CHECKS.incrementAndGet();
            long number = Long.parseLong(message.getUserProperty("number"));
            boolean first = ASKED.put(number, true) == null;
            boolean sending = SENDING.containsKey(number); // Read before the decision, which is made while it is set.
            LocalTransactionState state = DECIDED.get(number);
            if (state == null) {
                return sending ? LocalTransactionState.UNKNOW : LocalTransactionState.ROLLBACK_MESSAGE;
            }
            // Some are asked about twice.
            return number % 20 >= 18 && first ? LocalTransactionState.UNKNOW : state;
        }
    }

    private static Message message(String topic, String id) {
        Message message = new Message(topic, id.getBytes(StandardCharsets.UTF_8));
        message.setKeys(id);
        return message;
    }

    private static Message ordinary(String id, long number) {
        Message message = message("MixedOrdinary", id);
        message.setTags(tag(number));
        message.putUserProperty("n", "" + number % 100);
        if (number % 3 != 0) {
            message.putUserProperty("region", region(number));
        }
        return message;
    }

    private static String tag(long number) {
        return TAGS[(int) (number % TAGS.length)];
    }

    private static String region(long number) {
        return number % 3 == 0 ? "none" : number % 3 == 1 ? "eu" : "us";
    }

    private static String detail(long number) {
        return tag(number) + ":" + number % 100 + ":" + region(number);
    }

    /** Sends, and writes what came of it. Gives back whether it was acknowledged. */
    private static boolean report(List<String> ids, String detail, Send send) throws Exception {
        long sentMs = System.currentTimeMillis();
        StringBuilder lines = new StringBuilder();
        boolean ok = false;
        try {
            SendResult result = send.send();
            ok = result.getSendStatus() == SendStatus.SEND_OK;
            String[] msgIds = result.getMsgId().split(",");
            for (int i = 0; i < ids.size(); i++) {
                append(lines, ids.get(i), ok ? "OK" : result.getSendStatus().name(), msgIds[i],
                    result.getMessageQueue().getQueueId(), result.getQueueOffset() + i, sentMs, detail);
            }
        } catch (Exception e) {
            for (String id : ids) {
                append(lines, id, e.getClass().getSimpleName(), "-", -1, -1, sentMs, detail);
            }
        }
        synchronized (file) {
            file.write(lines.toString().getBytes(StandardCharsets.UTF_8));
        }
        if (!ok) {
            Thread.sleep(PAUSE_AFTER_ERROR_MS);
        }
        return ok;
    }

    private static void append(StringBuilder lines, String id, String outcome, String msgId, int queueId, long queueOffset,
        long sentMs, String detail) {
        lines.append(id).append(' ').append(outcome).append(' ').append(msgId).append(' ').append(queueId).append(' ')
            .append(queueOffset).append(' ').append(sentMs).append(' ').append(System.currentTimeMillis()).append(' ')
            .append(detail).append('\n');
    }

    private static void sleepUntil(long timeNs) throws InterruptedException {
        long waitNs = timeNs - System.nanoTime();
        if (waitNs > 0) {
            Thread.sleep(waitNs / 1_000_000, (int) (waitNs % 1_000_000));
        }
    }
}
