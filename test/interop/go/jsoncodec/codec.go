// Package jsoncodec is the JSON codec of the cmd-stream protocol: type number, length, UTF-8 JSON.
// It knows no sequence numbers, pings or connections; those are the library's.
package jsoncodec

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/cmd-stream/cmd-stream-go/transport"
)

// MaxBody is the largest body in bytes that a Codec writes or reads.
const MaxBody = 4 << 20

// Codec encodes values of one direction and decodes those of the other. A server's Codec has
// Results as Out and Commands as In, a client's the other way round.
type Codec[Out, In any] struct {
	numbers map[reflect.Type]uint64
	types   []reflect.Type
}

// New makes a Codec from one value per type. A type's number is its position in its list.
func New[Out, In any](out []Out, in []In) Codec[Out, In] {
	c := Codec[Out, In]{numbers: make(map[reflect.Type]uint64)}
	for i, v := range out {
		c.numbers[reflect.TypeOf(v)] = uint64(i)
	}
	for _, v := range in {
		c.types = append(c.types, reflect.TypeOf(v))
	}
	return c
}

// Encode writes one payload, or nothing if the value cannot be encoded.
func (c Codec[Out, In]) Encode(v Out, w transport.Writer) (n int, err error) {
	number, ok := c.numbers[reflect.TypeOf(v)]
	if !ok {
		return 0, fmt.Errorf("type %T is not registered", v)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	if len(body) > MaxBody {
		return 0, fmt.Errorf("a body of %d bytes exceeds %d", len(body), MaxBody)
	}
	payload := binary.AppendUvarint(nil, number)
	payload = binary.AppendUvarint(payload, uint64(len(body)))
	return w.Write(append(payload, body...))
}

// Decode reads one payload. It allocates for a body only after its length was found within MaxBody.
func (c Codec[Out, In]) Decode(r transport.Reader) (v In, n int, err error) {
	in := &counter{Reader: r}
	v, err = c.decode(in)
	return v, in.n, err
}

func (c Codec[Out, In]) decode(r transport.Reader) (v In, err error) {
	number, err := binary.ReadUvarint(r)
	if err != nil {
		return v, fmt.Errorf("type number: %w", err)
	}
	if number >= uint64(len(c.types)) {
		return v, fmt.Errorf("type number %d is not registered", number)
	}
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return v, fmt.Errorf("length: %w", err)
	}
	if length > MaxBody {
		return v, fmt.Errorf("a body of %d bytes exceeds %d", length, MaxBody)
	}
	body := make([]byte, length)
	if _, err = io.ReadFull(r, body); err != nil {
		return v, fmt.Errorf("body: %w", err)
	}
	value := reflect.New(c.types[number])
	if err = json.Unmarshal(body, value.Interface()); err != nil {
		return v, fmt.Errorf("body: %w", err)
	}
	return value.Elem().Interface().(In), nil
}

// counter counts the bytes that were read through it.
type counter struct {
	transport.Reader
	n int
}

func (c *counter) Read(p []byte) (n int, err error) {
	n, err = c.Reader.Read(p)
	c.n += n
	return n, err
}

func (c *counter) ReadByte() (b byte, err error) {
	if b, err = c.Reader.ReadByte(); err == nil {
		c.n++
	}
	return b, err
}
