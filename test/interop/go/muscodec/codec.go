// Package muscodec is the MUS codec of the cmd-stream protocol: type number (DTM), then the value's fields,
// straight into and out of the connection. A length is nowhere, so a string has a validator of its own.
package muscodec

import (
	"errors"
	"fmt"
	"io"

	com "github.com/mus-format/common-go"
	"github.com/mus-format/mus-stream-go"
	"github.com/mus-format/mus-stream-go/typed"

	"github.com/cmd-stream/cmd-stream-go/transport"
)

// Serializer is what a codec needs of a mus.Serializer.
type Serializer[T any] interface {
	Marshal(v T, w mus.Writer) (n int, err error)
	Unmarshal(r mus.Reader) (v T, n int, err error)
}

// Codec encodes values of one direction and decodes those of the other. A server's Codec has
// Results as Out and Commands as In, a client's the other way round.
type Codec[Out, In any] struct {
	out Serializer[Out]
	in  Serializer[In]
}

// New makes a Codec, usually of two OneOf.
func New[Out, In any](out Serializer[Out], in Serializer[In]) Codec[Out, In] {
	return Codec[Out, In]{out, in}
}

// Encode writes one payload, or nothing if the value's type is unknown.
func (c Codec[Out, In]) Encode(v Out, w transport.Writer) (n int, err error) {
	return c.out.Marshal(v, w)
}

// Decode reads one payload. The end of the stream is always io.EOF: the library's clients connect
// anew after it.
func (c Codec[Out, In]) Decode(r transport.Reader) (v In, n int, err error) {
	v, n, err = c.in.Unmarshal(r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return v, n, err
}

// OneOf is the serializer of an interface with a known set of types.
type OneOf[I any] []Variant[I]

// Variant is one type of an interface, with its DTM.
type Variant[I any] struct {
	dtm       com.DTM
	marshal   func(v I, w mus.Writer) (n int, ok bool, err error)
	unmarshal func(r mus.Reader) (v I, n int, err error)
}

// Case makes the Variant of the type T.
func Case[I, T any](dtm com.DTM, ser Serializer[T]) Variant[I] {
	return Variant[I]{
		dtm: dtm,
		marshal: func(v I, w mus.Writer) (n int, ok bool, err error) {
			value, ok := any(v).(T)
			if !ok {
				return 0, false, nil
			}
			if n, err = typed.DTMSer.Marshal(dtm, w); err != nil {
				return n, true, err
			}
			n1, err := ser.Marshal(value, w)
			return n + n1, true, err
		},
		unmarshal: func(r mus.Reader) (v I, n int, err error) {
			value, n, err := ser.Unmarshal(r)
			if err != nil {
				return v, n, err
			}
			return any(value).(I), n, nil
		},
	}
}

func (o OneOf[I]) Marshal(v I, w mus.Writer) (n int, err error) {
	for _, variant := range o {
		if n, ok, err := variant.marshal(v, w); ok {
			return n, err
		}
	}
	return 0, fmt.Errorf("type %T is not registered", v)
}

func (o OneOf[I]) Unmarshal(r mus.Reader) (v I, n int, err error) {
	dtm, n, err := typed.DTMSer.Unmarshal(r)
	if err != nil {
		return v, n, err
	}
	for _, variant := range o {
		if variant.dtm == dtm {
			v, n1, err := variant.unmarshal(r)
			return v, n + n1, err
		}
	}
	return v, n, com.NewUnexpectedDTMError(dtm)
}
