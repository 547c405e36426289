// Package tagged is the frame that the JSON and the Protobuf codec share: type number, length, body.
// It knows no sequence numbers, pings or connections; those are the library's.
package tagged

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/cmd-stream/cmd-stream-go/transport"
)

// MaxBody is the largest body in bytes that a Codec writes or reads.
const MaxBody = 4 << 20

// Format turns a value into a body and back. Decode gets the type that the type number stands for.
type Format struct {
	Encode func(v any) (body []byte, err error)
	Decode func(body []byte, t reflect.Type) (v any, err error)
}

// Codec encodes values of one direction and decodes those of the other. A server's Codec has
// Results as Out and Commands as In, a client's the other way round.
type Codec[Out, In any] struct {
	format  Format
	numbers map[reflect.Type]uint64
	types   []reflect.Type
}

// New makes a Codec from one value per type. A type's number is its position in its list.
func New[Out, In any](format Format, out []Out, in []In) Codec[Out, In] {
	c := Codec[Out, In]{format: format, numbers: make(map[reflect.Type]uint64)}
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
	body, err := c.format.Encode(v)
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
// What the connection fails with passes as it is, the end of the stream always as io.EOF: the
// library's clients connect anew after these errors and no others.
func (c Codec[Out, In]) Decode(r transport.Reader) (v In, n int, err error) {
	in := &counter{Reader: r}
	v, err = c.decode(in)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return v, in.n, err
}

func (c Codec[Out, In]) decode(r transport.Reader) (v In, err error) {
	number, err := binary.ReadUvarint(r)
	if err != nil {
		return v, err
	}
	if number >= uint64(len(c.types)) {
		return v, fmt.Errorf("type number %d is not registered", number)
	}
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return v, err
	}
	if length > MaxBody {
		return v, fmt.Errorf("a body of %d bytes exceeds %d", length, MaxBody)
	}
	body := make([]byte, length)
	if _, err = io.ReadFull(r, body); err != nil {
		return v, err
	}
	value, err := c.format.Decode(body, c.types[number])
	if err != nil {
		return v, fmt.Errorf("body: %s", err)
	}
	return value.(In), nil
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
