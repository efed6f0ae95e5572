import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/**
 * Members of the mixed run's consumer groups, which join and leave as standard input says: lines "join GROUP MEMBER" and
 * "leave GROUP MEMBER", answered with "joined …" and "left …". At its end all leave. Arguments: namesrvAddr file.
 *
 * Each delivery is a line of the file before the listener does anything else: "R group member id queueId queueOffset
 * reconsumeTimes result storeMs receivedMs startNs". The orderly group writes "E group member id endNs" behind the
 * message's handling, too. Times in ns are of the machine's clock, so that they compare between processes.
 */
public final class MixedRunConsumer {
    private static final Map<String, DefaultMQPushConsumer> MEMBERS = new ConcurrentHashMap<>();
    private static final Set<String> SUSPENDED = ConcurrentHashMap.newKeySet();
    private static final long LEAVE_WITHIN_MS = 5000;
    /** A pop whose answer was lost with the broker comes again after this time; the default is a minute. */
    private static final long POP_INVISIBLE_MS = 15_000;
    private static FileOutputStream file;

    public static void main(String[] args) throws Exception {
        file = new FileOutputStream(args[1], true);
        System.out.println("ready");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            // In threads of their own: members of different groups come and go at the same time.
            new Thread(() -> {
                try {
                    if (words[0].equals("join")) {
                        join(args[0], words[1], words[2]);
                        System.out.println("joined " + words[2]);
                    } else {
                        MEMBERS.remove(words[2]).shutdown();
                        System.out.println("left " + words[2]);
                    }
                } catch (Exception e) {
                    e.printStackTrace();
                    System.out.println("failed " + words[2]);
                }
            }).start();
        }
        MEMBERS.values().parallelStream().forEach(DefaultMQPushConsumer::shutdown);
        System.exit(0);
    }

    private static void join(String namesrvAddr, String group, String member) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setInstanceName(member);
        consumer.setNamesrvAddr(namesrvAddr);
        consumer.setPollNameServerInterval(1000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAwaitTerminationMillisWhenShutdown(LEAVE_WITHIN_MS);
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        subscribe(consumer, group);
        if (group.equals("MixedOrderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                boolean ok = true;
                for (MessageExt message : messages) {
                    ok &= handleInOrder(group, member, message);
                }
                return ok ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                context.setDelayLevelWhenNextConsume(messages.get(0).getReconsumeTimes() + 1);
                return handle(group, member, messages) ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS
                    : ConsumeConcurrentlyStatus.RECONSUME_LATER;
            });
        }
        consumer.start();
        MEMBERS.put(member, consumer);
    }

    private static void subscribe(DefaultMQPushConsumer consumer, String group) throws Exception {
        switch (group) {
            case "MixedAll":
                consumer.setConsumeMessageBatchMaxSize(8);
                consumer.subscribe("MixedOrdinary", "*");
                break;
            case "MixedTagged":
                consumer.subscribe("MixedOrdinary", "TagA || TagB");
                break;
            case "MixedSql":
                consumer.subscribe("MixedOrdinary", MessageSelector.bySql("n BETWEEN 10 AND 59 AND (region = 'eu' OR region IS NULL)"));
                break;
            case "MixedBroadcast":
                consumer.setMessageModel(MessageModel.BROADCASTING);
                consumer.subscribe("MixedOrdinary", "*");
                break;
            case "MixedPop":
                consumer.setClientRebalance(false);
                consumer.setPopInvisibleTime(POP_INVISIBLE_MS);
                consumer.subscribe("MixedOrdinary", "*");
                break;
            case "MixedOrderly":
                consumer.subscribe("MixedOrdered", "*");
                break;
            case "MixedLater":
                consumer.subscribe("MixedDelayed", "*");
                break;
            case "MixedCommitted":
                consumer.subscribe("MixedTransaction", "*");
                break;
            case "MixedFailing":
                consumer.setMaxReconsumeTimes(2);
                consumer.subscribe("MixedRetried", "*");
                break;
            default:
                throw new IllegalArgumentException(group);
        }
    }

    private static boolean handle(String group, String member, List<MessageExt> messages) {
        boolean ok = true;
        for (MessageExt message : messages) {
            boolean failed = message.getReconsumeTimes() < failures(group, id(message));
            write(received(group, member, message, !failed));
            ok &= !failed;
        }
        return ok;
    }

    private static boolean handleInOrder(String group, String member, MessageExt message) {
        String id = id(message);
        boolean suspend = number(id) % 100 == 0 && SUSPENDED.add(id);
        write(received(group, member, message, !suspend));
        try {
            Thread.sleep(number(id) % 10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        write("E " + group + " " + member + " " + id + " " + System.nanoTime() + "\n");
        return !suspend;
    }

    /** How often a group's listener refuses a message: never, once, twice, or until it is a dead letter. */
    private static int failures(String group, String id) {
        long number = number(id);
        if (group.equals("MixedPop")) {
            return number % 200 == 0 ? 1 : 0;
        }
        if (!group.equals("MixedFailing")) {
            return 0;
        }
        return number % 10 == 0 ? Integer.MAX_VALUE : number % 5 == 0 ? 2 : number % 3 == 0 ? 1 : 0;
    }

    private static String id(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static long number(String id) {
        return Long.parseLong(id.substring(id.lastIndexOf(':') + 1));
    }

    private static String received(String group, String member, MessageExt message, boolean ok) {
        return "R " + group + " " + member + " " + id(message) + " " + message.getQueueId() + " " + message.getQueueOffset()
            + " " + message.getReconsumeTimes() + " " + (ok ? "ok" : "failed") + " " + message.getStoreTimestamp() + " "
            + System.currentTimeMillis() + " " + System.nanoTime() + "\n";
    }

    private static void write(String line) {
        try {
            synchronized (file) {
                file.write(line.getBytes(StandardCharsets.UTF_8));
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
