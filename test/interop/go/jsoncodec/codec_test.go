package jsoncodec_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/jsoncodec"
	"nestjs-cmd-stream/interop/tagged"
	"nestjs-cmd-stream/interop/vectors"
)

func TestVectors(t *testing.T) {
	clientCodec := client.AdaptCodec(jsoncodec.New(contract.VectorCmds, contract.Results), client.DefaultOptions())
	serverCodec := server.AdaptCodec(jsoncodec.New(contract.Results, contract.VectorCmds), server.DefaultOptions())
	vectors.Check(t, vectors.Side[core.Cmd[contract.Calc]]{
		Kind: "frame.json.cmd", Decode: serverCodec.Decode, Encode: clientCodec.Encode,
		Text: json.Marshal,
	})
	vectors.Check(t, vectors.Side[core.Result]{
		Kind: "frame.json.result", Decode: clientCodec.Decode, Encode: serverCodec.Encode,
		Text: json.Marshal,
	})
}

func TestEncodeWritesNothingOfARefusedValue(t *testing.T) {
	codec := jsoncodec.New(contract.VectorCmds, contract.Results)
	for name, cmd := range map[string]core.Cmd[contract.Calc]{
		"unregistered type": contract.SlowCmd{},
		"NaN":               contract.FloatCmd{X: math.NaN()},
		"body too large":    contract.EchoCmd(strings.Repeat("x", tagged.MaxBody)),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := bufio.NewWriter(&out)
			if n, err := codec.Encode(cmd, w); err == nil || n != 0 || w.Buffered() != 0 || out.Len() != 0 {
				t.Errorf("Encode = %d, %v; %d bytes written", n, err, w.Buffered()+out.Len())
			}
		})
	}
}
