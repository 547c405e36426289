// Command traced is a server and a client of one Command, AddCmd, in the envelope of the reference's OpenTelemetry
// package, which carries the context of a trace. "traced server CODEC ADDR" serves until its stdin ends,
// "traced client CODEC ADDR" prints one sum, as part of the trace that the environment variable TRACEPARENT names. Both
// print each span as a line of JSON; CODEC is json or mus.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/mus-format/mus-stream-go/ord"
	"github.com/mus-format/mus-stream-go/varint"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/jsoncodec"
	"nestjs-cmd-stream/interop/muscodec"
)

// AddCmd is the Command that is meant.
type AddCmd = contract.AddCmd

// TraceCmd is its envelope: the layout of the reference's TraceCmd[Calc, AddCmd].
type TraceCmd struct {
	MapCarrier *map[string]string
	Cmd        AddCmd
}

// Exec runs the Command within the span of a server.
func (c TraceCmd) Exec(ctx context.Context, seq core.Seq, at time.Time, calc contract.Calc, proxy core.Proxy) error {
	if c.MapCarrier != nil {
		ctx = propagator.Extract(ctx, propagation.MapCarrier(*c.MapCarrier))
	}
	ctx, span := tracer.Start(ctx, "Invoke AddCmd (trace)", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	return c.Cmd.Exec(ctx, seq, at, calc, proxy)
}

var (
	propagator = propagation.TraceContext{}
	tracer     = sdktrace.NewTracerProvider(sdktrace.WithSyncer(lines{json.NewEncoder(os.Stdout)})).Tracer("traced")

	cmds    = []core.Cmd[contract.Calc]{AddCmd{}, TraceCmd{}}
	results = []core.Result{contract.CalcResult(0)}
)

const (
	maxText    = 1 << 10
	maxHeaders = 16
)

var (
	addMUS = muscodec.Struct[AddCmd]{
		muscodec.At(func(c *AddCmd) *int { return &c.A }, varint.Int),
		muscodec.At(func(c *AddCmd) *int { return &c.B }, varint.Int),
	}
	traceMUS = muscodec.Struct[TraceCmd]{
		muscodec.At(func(c *TraceCmd) **map[string]string { return &c.MapCarrier },
			ord.NewPtrSer(muscodec.Map(maxHeaders, muscodec.Text(maxText)))),
		muscodec.At(func(c *TraceCmd) *AddCmd { return &c.Cmd }, addMUS),
	}
	resultMUS = muscodec.Struct[contract.CalcResult]{
		muscodec.At(func(r *contract.CalcResult) *int { return (*int)(r) }, varint.Int),
	}
	cmdsMUS = muscodec.OneOf[core.Cmd[contract.Calc]]{
		muscodec.Case[core.Cmd[contract.Calc]](1, addMUS),
		muscodec.Case[core.Cmd[contract.Calc]](2, traceMUS),
	}
	resultsMUS = muscodec.OneOf[core.Result]{muscodec.Case[core.Result](1, resultMUS)}
)

type codecs struct {
	server server.Codec[contract.Calc]
	client client.Codec[contract.Calc]
}

var byName = map[string]codecs{
	"json": {jsoncodec.New(results, cmds), jsoncodec.New(cmds, results)},
	"mus":  {muscodec.New(resultsMUS, cmdsMUS), muscodec.New(cmdsMUS, resultsMUS)},
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: traced server|client json|mus ADDR")
	}
	run := map[string]func(string, codecs) error{"server": serve, "client": ask}[os.Args[1]]
	codec, known := byName[os.Args[2]]
	if run == nil || !known {
		log.Fatalf("traced is a server or a client, in json or mus, not a %s in %s", os.Args[1], os.Args[2])
	}
	if err := run(os.Args[3], codec); err != nil {
		log.Fatal(err)
	}
}

func serve(addr string, codec codecs) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv, err := cmdstream.NewServer(contract.Calc{}, codec.server)
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr())
	failed := make(chan error, 1)
	ended := make(chan error, 1)
	go func() { failed <- srv.Serve(listener.(*net.TCPListener)) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err = <-failed:
	case err = <-ended:
	}
	return err
}

func ask(addr string, codec codecs) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx = propagator.Extract(ctx, propagation.MapCarrier{"traceparent": os.Getenv("TRACEPARENT")})
	sender, err := cmdstream.NewSender(addr, codec.client)
	if err != nil {
		return err
	}
	defer sender.Close()
	ctx, span := tracer.Start(ctx, "Send AddCmd (trace)", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	carrier := map[string]string{}
	propagator.Inject(ctx, propagation.MapCarrier(carrier))
	sum, err := sender.Send(ctx, TraceCmd{&carrier, AddCmd{A: 2, B: 3}})
	if err != nil {
		return err
	}
	fmt.Println(sum)
	return nil
}

// lines exports each span as a line.
type lines struct{ out *json.Encoder }

type line struct {
	Name, TraceID, SpanID, ParentID, Kind string
	StartMicros, EndMicros                int64
}

func (l lines) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, span := range spans {
		own, parent := span.SpanContext(), span.Parent()
		kind := span.SpanKind().String()
		err := l.out.Encode(line{
			span.Name(), own.TraceID().String(), own.SpanID().String(), parent.SpanID().String(), kind,
			span.StartTime().UnixMicro(), span.EndTime().UnixMicro(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (lines) Shutdown(context.Context) error { return nil }
