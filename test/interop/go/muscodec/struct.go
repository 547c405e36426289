package muscodec

import (
	"fmt"

	com "github.com/mus-format/common-go"
	"github.com/mus-format/mus-stream-go"
	mapopts "github.com/mus-format/mus-stream-go/options/map"
	stropts "github.com/mus-format/mus-stream-go/options/string"
	"github.com/mus-format/mus-stream-go/ord"
)

// Struct is the serializer of a type by its fields, one after the other.
type Struct[T any] []Field[T]

// Field is one field of a T; a type that is no struct, such as a named int, is its own only field.
type Field[T any] struct {
	marshal   func(of *T, w mus.Writer) (n int, err error)
	unmarshal func(of *T, r mus.Reader) (n int, err error)
}

// At makes the Field that at points to.
func At[T, V any](at func(*T) *V, ser Serializer[V]) Field[T] {
	return Field[T]{
		marshal: func(of *T, w mus.Writer) (int, error) { return ser.Marshal(*at(of), w) },
		unmarshal: func(of *T, r mus.Reader) (n int, err error) {
			*at(of), n, err = ser.Unmarshal(r)
			return n, err
		},
	}
}

func (s Struct[T]) Marshal(v T, w mus.Writer) (n int, err error) {
	for _, field := range s {
		n1, err := field.marshal(&v, w)
		if n += n1; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s Struct[T]) Unmarshal(r mus.Reader) (v T, n int, err error) {
	for _, field := range s {
		n1, err := field.unmarshal(&v, r)
		if n += n1; err != nil {
			return v, n, err
		}
	}
	return v, n, nil
}

// Text is the serializer of strings of at most max bytes; the limit holds for reading.
func Text(max int) mus.Serializer[string] {
	return ord.NewValidStringSer(stropts.WithLenValidator(atMost(max)))
}

// Map is the serializer of maps of at most max entries; the limit holds for reading.
func Map(max int, text mus.Serializer[string]) mus.Serializer[map[string]string] {
	return ord.NewValidMapSer(text, text, mapopts.WithLenValidator[string, string](atMost(max)))
}

func atMost(max int) com.Validator[int] {
	return com.ValidatorFn[int](func(length int) error {
		if length > max {
			return fmt.Errorf("a length of %d exceeds %d", length, max)
		}
		return nil
	})
}
