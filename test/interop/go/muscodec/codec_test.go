package muscodec_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"testing"

	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/server"
	"github.com/cmd-stream/cmd-stream-go/transport"

	"nestjs-cmd-stream/interop/hello"
	"nestjs-cmd-stream/interop/streaming"
	"nestjs-cmd-stream/interop/vectors"
)

type cmd = core.Cmd[hello.Greeter]

func TestVectors(t *testing.T) {
	helloClient := client.AdaptCodec(hello.ClientCodec, client.DefaultOptions())
	helloServer := server.AdaptCodec(hello.ServerCodec, server.DefaultOptions())
	streamClient := client.AdaptCodec(streaming.ClientCodec, client.DefaultOptions())
	streamServer := server.AdaptCodec(streaming.ServerCodec, server.DefaultOptions())
	for kind, codec := range map[string]struct {
		decode func(transport.Reader) (core.Seq, cmd, int, error)
		encode func(core.Seq, cmd, transport.Writer) (int, error)
	}{
		"frame.mus.cmd":           {helloServer.Decode, helloClient.Encode},
		"frame.mus.trace.cmd":     {helloServer.Decode, helloClient.Encode},
		"frame.mus.streaming.cmd": {streamServer.Decode, streamClient.Encode},
	} {
		vectors.Check(t, vectors.Side[cmd]{
			Kind: kind, Decode: codec.decode, Encode: codec.encode, Text: text,
		})
	}
	for kind, codec := range map[string]struct {
		decode func(transport.Reader) (core.Seq, core.Result, int, error)
		encode func(core.Seq, core.Result, transport.Writer) (int, error)
	}{
		"frame.mus.result":           {helloClient.Decode, helloServer.Encode},
		"frame.mus.streaming.result": {streamClient.Decode, streamServer.Encode},
	} {
		vectors.Check(t, vectors.Side[core.Result]{
			Kind: kind, Decode: codec.decode, Encode: codec.encode, Text: text,
		})
	}
}

// text writes what the vectors write: a map as its pairs, the fields of the streaming example in lower case.
func text(v any) ([]byte, error) {
	switch v := v.(type) {
	case hello.TraceCmd:
		var pairs [][2]string
		if v.Carrier != nil {
			for key, header := range *v.Carrier {
				pairs = append(pairs, [2]string{key, header})
			}
		}
		return json.Marshal(map[string]any{"carrier": pairs, "cmd": v.Cmd})
	case streaming.SayFancyHelloMultiCmd:
		return json.Marshal(map[string]any{"str": v.Str})
	case streaming.Greeting:
		return json.Marshal(map[string]any{"str": v.Str, "lastOne": v.Last})
	}
	return json.Marshal(v)
}

func TestEncodeWritesNothingOfAnUnknownType(t *testing.T) {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	if n, err := hello.ClientCodec.Encode(streaming.SayFancyHelloMultiCmd{}, w); err == nil || n+w.Buffered() != 0 {
		t.Errorf("Encode = %d, %v; %d bytes written", n, err, w.Buffered())
	}
}
