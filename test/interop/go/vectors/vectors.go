// Package vectors holds codecs against the frames of the wire vectors.
package vectors

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/transport"
)

const file = "test/fixtures/wire-vectors.json"

// Side is what a codec makes of the frames of one kind.
type Side[V any] struct {
	Kind   string
	Decode func(transport.Reader) (core.Seq, V, int, error)
	Encode func(core.Seq, V, transport.Writer) (int, error)
	// Text is a value in JSON, to be compared with that of the vectors.
	Text func(any) ([]byte, error)
}

type vector struct {
	Name, Kind, Dir, Hex string
	Read                 *int
	Value                json.RawMessage
}

// value is the one of a frame; each codec's vectors have their own name for what it carries.
type value struct {
	Seq, Type, BodyText, Repeat string
	Count                       int
	Body, Message, Data         json.RawMessage
}

// Check runs all vectors of a kind, which has to have some.
func Check[V any](t *testing.T, side Side[V]) {
	t.Helper()
	checked := 0
	for _, v := range read(t) {
		if strings.TrimSuffix(v.Kind, ".repeat") == side.Kind && v.Dir != "rejectEncode" {
			checked++
			t.Run(v.Name, func(t *testing.T) { check(t, side, v) })
		}
	}
	if checked == 0 {
		t.Errorf("no vector is a %s", side.Kind)
	}
}

func check[V any](t *testing.T, side Side[V], v vector) {
	wire, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	seq, got, n, err := side.Decode(bytes.NewReader(wire))
	if v.Read != nil && n != *v.Read {
		t.Errorf("read %d bytes, want %d", n, *v.Read)
	}
	if v.Dir == "reject" {
		if err == nil {
			t.Errorf("decoded %+v, want an error", got)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var want value
	if err := json.Unmarshal(v.Value, &want); err != nil {
		t.Fatal(err)
	}
	if got := strconv.FormatInt(int64(seq), 10); got != want.Seq {
		t.Errorf("seq %s, want %s", got, want.Seq)
	}
	if name, _, _ := strings.Cut(want.Type, "<"); typeName(got) != name {
		t.Errorf("type %s, want %s", typeName(got), name)
	}
	if text, err := side.Text(got); err != nil || !want.equals(text) {
		t.Errorf("%s (%v), want %s", text, err, v.Value)
	}
	if v.Dir == "roundtrip" {
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		n, err := side.Encode(seq, got, w)
		if err != nil || w.Flush() != nil || n != len(wire) || !bytes.Equal(out.Bytes(), wire) {
			t.Errorf("wrote %x (%d, %v), want %x", out.Bytes(), n, err, wire)
		}
	}
}

func (w value) equals(text []byte) bool {
	if w.BodyText != "" {
		return string(text) == w.BodyText
	}
	if w.Repeat != "" {
		return strings.Contains(string(text), strconv.Quote(strings.Repeat(w.Repeat, w.Count)))
	}
	var got, want any
	for _, part := range []json.RawMessage{w.Body, w.Message, w.Data} {
		if part != nil && json.Unmarshal(part, &want) != nil {
			return false
		}
	}
	return json.Unmarshal(text, &got) == nil && reflect.DeepEqual(got, want)
}

// typeName is the name of a value's type, or of the type it points to.
func typeName(v any) string {
	return reflect.Indirect(reflect.ValueOf(v)).Type().Name()
}

func read(t *testing.T) []vector {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil {
		var text []byte
		if text, err = os.ReadFile(filepath.Join(folder, file)); err == nil {
			var all struct{ Cases []vector }
			if err = json.Unmarshal(text, &all); err == nil {
				return all.Cases
			}
		} else if parent := filepath.Dir(folder); parent != folder {
			folder, err = parent, nil
		} else {
			err = fs.ErrNotExist
		}
	}
	t.Fatalf("%s: %v", file, err)
	return nil
}
