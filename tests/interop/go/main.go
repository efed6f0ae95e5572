// Scenarios of RocketMQ's Go client against a cluster: one line for each, `ok NAME` or `FAIL NAME: reason`.
//
//	main NAMESRV_ADDR BROKER_ADDR
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const patience = 40 * time.Second

var (
	ctx     = context.Background()
	namesrv []string
	broker  string
	topics  admin.Admin
	sender  rocketmq.Producer
)

// scenario has a topic of its own, which exists; it returns what went wrong.
type scenario func(topic string) error

var scenarios = map[string]scenario{
	"sendAndPush":  sendAndPush,
	"filter":       filter,
	"broadcast":    broadcast,
	"orderly":      orderly,
	"retryAndDlq":  retryAndDeadLetter,
	"delay":        delay,
	"transaction":  transaction,
	"pull":         pull,
	"refusals":     refusals,
	"administrate": administrate,
}

func main() {
	rlog.SetLogLevel("fatal")
	namesrv, broker = []string{os.Args[1]}, os.Args[2]
	var err error
	topics, err = admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(namesrv)))
	check(err)
	sender, err = rocketmq.NewProducer(producer.WithNameServer(namesrv), producer.WithGroupName("GoProducers"))
	check(err)
	check(sender.Start())
	var all sync.WaitGroup
	for name, run := range scenarios {
		all.Add(1)
		go func(name string, run scenario) {
			defer all.Done()
			topic := "Go_" + name
			err := topics.CreateTopic(ctx, admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(broker))
			if err == nil {
				err = run(topic)
			}
			if err != nil {
				fmt.Printf("FAIL %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
			} else {
				fmt.Printf("ok %s\n", name)
			}
		}(name, run)
	}
	all.Wait()
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Println("FAIL start:", err)
		os.Exit(1)
	}
}

// inbox collects the bodies of what was consumed.
type inbox struct {
	sync.Mutex
	bodies []string
}

func (in *inbox) add(messages []*primitive.MessageExt) {
	in.Lock()
	defer in.Unlock()
	for _, message := range messages {
		in.bodies = append(in.bodies, string(message.Body))
	}
}

func (in *inbox) all() []string {
	in.Lock()
	defer in.Unlock()
	return append([]string{}, in.bodies...)
}

// expect waits until the bodies are the wanted ones, in any order unless `ordered`.
func (in *inbox) expect(ordered bool, want ...string) error {
	end := time.Now().Add(patience)
	for {
		got := in.all()
		if !ordered {
			sort.Strings(got)
			sort.Strings(want)
		}
		if strings.Join(got, ",") == strings.Join(want, ",") {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("wanted %v, got %v", want, got)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

type listener func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)

func push(topic string, selector consumer.MessageSelector, listen listener, options ...consumer.Option) error {
	group := "G_" + topic
	common := []consumer.Option{
		consumer.WithNameServer(namesrv), consumer.WithGroupName(group), consumer.WithInstance(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}
	c, err := rocketmq.NewPushConsumer(append(common, options...)...)
	if err != nil {
		return err
	}
	if err := c.Subscribe(topic, selector, listen); err != nil {
		return err
	}
	return c.Start()
}

func into(in *inbox) listener {
	return func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		in.add(messages)
		return consumer.ConsumeSuccess, nil
	}
}

func send(topic string, bodies ...string) error {
	for _, body := range bodies {
		if _, err := sender.SendSync(ctx, primitive.NewMessage(topic, []byte(body))); err != nil {
			return err
		}
	}
	return nil
}

func sendAndPush(topic string) error {
	if err := send(topic, "sync"); err != nil {
		return err
	}
	result, err := sender.SendSync(ctx, primitive.NewMessage(topic, []byte("b1")), primitive.NewMessage(topic, []byte("b2")))
	if err != nil {
		return err
	}
	if len(strings.Split(result.OffsetMsgID, ",")) != 2 {
		return fmt.Errorf("a batch of two has the ids %s", result.OffsetMsgID)
	}
	answered := make(chan error, 1)
	err = sender.SendAsync(ctx, func(_ context.Context, _ *primitive.SendResult, err error) { answered <- err },
		primitive.NewMessage(topic, []byte("async")))
	if err == nil {
		err = <-answered
	}
	if err != nil {
		return err
	}
	if err := sender.SendOneWay(ctx, primitive.NewMessage(topic, []byte("oneway"))); err != nil {
		return err
	}
	in := &inbox{}
	if err := push(topic, consumer.MessageSelector{}, into(in)); err != nil {
		return err
	}
	return in.expect(false, "sync", "b1", "b2", "async", "oneway")
}

func filter(topic string) error {
	for i := 0; i < 6; i++ {
		message := primitive.NewMessage(topic, []byte(fmt.Sprint(i)))
		message.WithTag(fmt.Sprint("t", i%2))
		message.WithProperty("n", fmt.Sprint(i))
		if _, err := sender.SendSync(ctx, message); err != nil {
			return err
		}
	}
	tagged, compared := &inbox{}, &inbox{}
	if err := push(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "t1"}, into(tagged)); err != nil {
		return err
	}
	selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: "n > 3"}
	own := []consumer.Option{consumer.WithGroupName("G_" + topic + "_sql"), consumer.WithInstance(topic + "_sql")}
	if err := push(topic, selector, into(compared), own...); err != nil {
		return err
	}
	if err := tagged.expect(false, "1", "3", "5"); err != nil {
		return err
	}
	return compared.expect(false, "4", "5")
}

func broadcast(topic string) error {
	if err := send(topic, "1", "2"); err != nil {
		return err
	}
	a, b := &inbox{}, &inbox{}
	for name, in := range map[string]*inbox{"a": a, "b": b} {
		model := consumer.WithConsumerModel(consumer.BroadCasting)
		if err := push(topic, consumer.MessageSelector{}, into(in), model, consumer.WithInstance(topic+name)); err != nil {
			return err
		}
	}
	if err := a.expect(false, "1", "2"); err != nil {
		return err
	}
	return b.expect(false, "1", "2")
}

func orderly(topic string) error {
	p, err := rocketmq.NewProducer(producer.WithNameServer(namesrv), producer.WithGroupName("GoOrdered"),
		producer.WithInstanceName("ordered"), producer.WithQueueSelector(producer.NewHashQueueSelector()))
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	for i := 0; i < 4; i++ {
		message := primitive.NewMessage(topic, []byte(fmt.Sprint(i)))
		message.WithShardingKey("key")
		if _, err := p.SendSync(ctx, message); err != nil {
			return err
		}
	}
	in := &inbox{}
	var failures int32
	listen := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		in.add(messages)
		if string(messages[0].Body) == "1" && atomic.AddInt32(&failures, 1) == 1 {
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		return consumer.ConsumeSuccess, nil
	}
	if err := push(topic, consumer.MessageSelector{}, listen, consumer.WithConsumerOrder(true)); err != nil {
		return err
	}
	return in.expect(true, "0", "1", "1", "2", "3")
}

func retryAndDeadLetter(topic string) error {
	if err := send(topic, "failing"); err != nil {
		return err
	}
	in := &inbox{}
	listen := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		in.add(messages)
		call, _ := primitive.GetConcurrentlyCtx(ctx)
		call.DelayLevelWhenNextConsume = 1
		return consumer.ConsumeRetryLater, nil
	}
	if err := push(topic, consumer.MessageSelector{}, listen, consumer.WithMaxReconsumeTimes(1)); err != nil {
		return err
	}
	if err := in.expect(false, "failing", "failing"); err != nil {
		return err
	}
	end := time.Now().Add(patience)
	for {
		queues, err := topics.FetchPublishMessageQueues(ctx, "%DLQ%G_"+topic)
		if err == nil && len(queues) == 1 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("no dead letters: %d queues, %v", len(queues), err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func delay(topic string) error {
	message := primitive.NewMessage(topic, []byte("late"))
	message.WithDelayTimeLevel(2)
	sentAt := time.Now()
	if _, err := sender.SendSync(ctx, message); err != nil {
		return err
	}
	in := &inbox{}
	if err := push(topic, consumer.MessageSelector{}, into(in)); err != nil {
		return err
	}
	if err := in.expect(false, "late"); err != nil {
		return err
	}
	if time.Since(sentAt) < 4500*time.Millisecond {
		return fmt.Errorf("delivered after %s", time.Since(sentAt))
	}
	return nil
}

type decisions struct{}

func (decisions) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	switch string(message.Body) {
	case "commit":
		return primitive.CommitMessageState
	case "rollback":
		return primitive.RollbackMessageState
	}
	return primitive.UnknowState
}

func (decisions) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	if string(message.Body) == "later" {
		return primitive.CommitMessageState
	}
	return primitive.RollbackMessageState
}

func transaction(topic string) error {
	p, err := rocketmq.NewTransactionProducer(decisions{}, producer.WithNameServer(namesrv),
		producer.WithGroupName("GoTransactions"), producer.WithInstanceName("transactions"))
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	for _, body := range []string{"commit", "rollback", "later", "never"} {
		if _, err := p.SendMessageInTransaction(ctx, primitive.NewMessage(topic, []byte(body))); err != nil {
			return err
		}
	}
	in := &inbox{}
	if err := push(topic, consumer.MessageSelector{}, into(in)); err != nil {
		return err
	}
	return in.expect(false, "commit", "later")
}

// pull asks for no messages at all (maxMsgNums=0), as this client does unless told otherwise.
func pull(topic string) error {
	if err := send(topic, "1", "2", "3"); err != nil {
		return err
	}
	c, err := rocketmq.NewPullConsumer(consumer.WithNameServer(namesrv), consumer.WithGroupName("G_"+topic),
		consumer.WithInstance(topic), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	if err != nil {
		return err
	}
	if err := c.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}); err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	in := &inbox{}
	for end := time.Now().Add(patience); len(in.all()) < 3 && time.Now().Before(end); {
		request, err := c.Poll(ctx, time.Second)
		if err != nil {
			continue // nothing new
		}
		in.add(request.GetMsgList())
		c.ACK(ctx, request, consumer.ConsumeSuccess)
	}
	return in.expect(false, "1", "2", "3")
}

func refusals(topic string) error {
	if err := send("no such topic!", "x"); err == nil || !strings.Contains(err.Error(), "29") {
		return fmt.Errorf("a bad topic name: %v", err)
	}
	if err := send(topic, strings.Repeat("x", 200_000)); err != nil {
		return fmt.Errorf("a large body: %w", err)
	}
	return nil
}

func administrate(topic string) error {
	list, err := topics.FetchAllTopicList(ctx)
	if err != nil || !strings.Contains(strings.Join(list.TopicList, " "), topic) {
		return fmt.Errorf("the topic is not listed: %v", err)
	}
	groups, err := topics.GetAllSubscriptionGroup(ctx, broker, 5*time.Second)
	if err != nil || !groups.SubscriptionGroupTable["TOOLS_CONSUMER"].ConsumeEnable {
		return fmt.Errorf("groups: %v", err)
	}
	err = topics.DeleteTopic(ctx, admin.WithTopicDelete(topic), admin.WithBrokerAddrDelete(broker),
		admin.WithNameSrvAddr(namesrv))
	if err != nil {
		return err
	}
	if _, err := topics.FetchPublishMessageQueues(ctx, topic); err == nil {
		return fmt.Errorf("the topic is there after it was deleted")
	}
	return nil
}
