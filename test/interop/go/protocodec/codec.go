// Package protocodec is the Protobuf codec of the cmd-stream protocol: tagged bodies that are messages.
package protocodec

import (
	"reflect"

	"google.golang.org/protobuf/proto"

	"nestjs-cmd-stream/interop/tagged"
)

// New makes a codec from one message per type, see tagged.New. It panics if one is no message.
func New[Out, In any](out []Out, in []In) tagged.Codec[Out, In] {
	for _, v := range out {
		_ = any(v).(proto.Message)
	}
	for _, v := range in {
		_ = any(v).(proto.Message)
	}
	return tagged.New(tagged.Format{Encode: encode, Decode: decode}, out, in)
}

func encode(v any) ([]byte, error) { return proto.Marshal(v.(proto.Message)) }

func decode(body []byte, t reflect.Type) (any, error) {
	message := reflect.New(t.Elem()).Interface().(proto.Message)
	return message, proto.Unmarshal(body, message)
}
