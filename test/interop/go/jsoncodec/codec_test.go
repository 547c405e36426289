package jsoncodec_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/server"
	"github.com/cmd-stream/cmd-stream-go/transport"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/jsoncodec"
)

const vectorsFile = "../../../fixtures/wire-vectors.json"

type vector struct {
	Name, Kind, Dir, Hex string
	Read                 *int
	Value                json.RawMessage
}

type frame struct {
	Seq, Type, BodyText, Repeat string
	Count                       int
	Body                        json.RawMessage
}

var (
	clientCodec = client.AdaptCodec(jsoncodec.New(contract.VectorCmds, contract.Results), client.DefaultOptions())
	serverCodec = server.AdaptCodec(jsoncodec.New(contract.Results, contract.VectorCmds), server.DefaultOptions())
)

func TestVectors(t *testing.T) {
	counts := map[string]int{}
	for _, v := range readVectors(t) {
		var check func(*testing.T, vector)
		switch kind := strings.TrimSuffix(v.Kind, ".repeat"); {
		case kind == "frame.json.cmd" && v.Dir != "rejectEncode":
			check = checkFrame(serverCodec.Decode, clientCodec.Encode)
		case kind == "frame.json.result":
			check = checkFrame(clientCodec.Decode, serverCodec.Encode)
		default:
			continue
		}
		counts[v.Dir]++
		t.Run(v.Name, func(t *testing.T) { check(t, v) })
	}
	for _, dir := range []string{"roundtrip", "decode", "reject"} {
		if counts[dir] == 0 {
			t.Errorf("the vectors hold no %s case of a JSON frame", dir)
		}
	}
}

func TestEncodeWritesNothingOfARefusedValue(t *testing.T) {
	codec := jsoncodec.New(contract.VectorCmds, contract.Results)
	for name, cmd := range map[string]core.Cmd[contract.Calc]{
		"unregistered type": contract.SlowCmd{},
		"NaN":               contract.FloatCmd{X: math.NaN()},
		"body too large":    contract.EchoCmd(strings.Repeat("x", jsoncodec.MaxBody)),
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

func checkFrame[V any](
	decode func(transport.Reader) (core.Seq, V, int, error),
	encode func(core.Seq, V, transport.Writer) (int, error),
) func(*testing.T, vector) {
	return func(t *testing.T, v vector) {
		wire, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		seq, value, read, err := decode(bytes.NewReader(wire))
		if v.Read != nil && read != *v.Read {
			t.Errorf("read %d bytes, want %d", read, *v.Read)
		}
		if v.Dir == "reject" {
			if err == nil {
				t.Errorf("decoded %+v, want an error", value)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want := parseFrame(t, v)
		if got := strconv.FormatInt(int64(seq), 10); got != want.Seq {
			t.Errorf("seq %s, want %s", got, want.Seq)
		}
		if got := reflect.TypeOf(value).Name(); got != want.Type {
			t.Errorf("type %s, want %s", got, want.Type)
		}
		if got, err := json.Marshal(value); err != nil || !sameText(got, want) {
			t.Errorf("body %s (%v), want %s", got, err, want.BodyText)
		}
		if v.Dir == "roundtrip" {
			var out bytes.Buffer
			w := bufio.NewWriter(&out)
			n, err := encode(seq, value, w)
			if err != nil || w.Flush() != nil || n != len(wire) || !bytes.Equal(out.Bytes(), wire) {
				t.Errorf("wrote %x (%d, %v), want %x", out.Bytes(), n, err, wire)
			}
		}
	}
}

// A decode case has no exact text, only the value.
func sameText(got []byte, want frame) bool {
	if want.BodyText != "" {
		return string(got) == want.BodyText
	}
	var a, b any
	return json.Unmarshal(got, &a) == nil && json.Unmarshal(want.Body, &b) == nil && reflect.DeepEqual(a, b)
}

func parseFrame(t *testing.T, v vector) (f frame) {
	t.Helper()
	if err := json.Unmarshal(v.Value, &f); err != nil {
		t.Fatal(err)
	}
	f.Type, _, _ = strings.Cut(f.Type, "<")
	if f.Repeat != "" {
		f.BodyText = strconv.Quote(strings.Repeat(f.Repeat, f.Count))
	}
	return f
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}
