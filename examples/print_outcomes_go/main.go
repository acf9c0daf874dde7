// Prints how each task ended: a consumer in another language, by the schema in schemas/json/outcomes.schema.json.
//
//	go run . -brokers 127.0.0.1:9092 -group my-app
//
// It reads committed records only, and commits its offsets after it has printed: each outcome at least once.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Outcome has the fields of the schema that this program needs; unknown ones are ignored, as schemas may grow.
type Outcome struct {
	TaskID  string `json:"task_id"`
	Schema  int    `json:"schema"`
	Status  string `json:"status"`
	Message string `json:"message"`
	File    string `json:"file"`
}

func main() {
	brokers := flag.String("brokers", "127.0.0.1:9092", "Kafka's addresses, by commas")
	topic := flag.String("topic", "midi.outcomes", "the topic of the outcomes")
	group := flag.String("group", "print-outcomes", "the consumer group; each reads all outcomes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(*brokers, ",")...),
		kgo.ConsumerGroup(*group),
		kgo.ConsumeTopics(*topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // franz-go's default would show what was aborted
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			log.Printf("%s/%d: %v", topic, partition, err)
		})
		fetches.EachRecord(show)
		if err := client.CommitUncommittedOffsets(ctx); err != nil && ctx.Err() == nil {
			log.Printf("not committed, so it comes again: %v", err)
		}
	}
}

func show(record *kgo.Record) {
	var outcome Outcome
	if err := json.Unmarshal(record.Value, &outcome); err != nil || outcome.Schema > 1 {
		log.Printf("%s/%d/%d is no outcome that this program knows", record.Topic, record.Partition, record.Offset)
		return
	}
	fmt.Printf("%s %s %s %s\n", outcome.TaskID, outcome.Status, outcome.Message, outcome.File)
}
