// Package jsoncodec is the JSON codec of the cmd-stream protocol: tagged bodies of UTF-8 JSON.
package jsoncodec

import (
	"encoding/json"
	"reflect"

	"nestjs-cmd-stream/interop/tagged"
)

// New makes a codec from one value per type, see tagged.New.
func New[Out, In any](out []Out, in []In) tagged.Codec[Out, In] {
	return tagged.New(tagged.Format{Encode: json.Marshal, Decode: decode}, out, in)
}

func decode(body []byte, t reflect.Type) (any, error) {
	value := reflect.New(t)
	err := json.Unmarshal(body, value.Interface())
	return value.Elem().Interface(), err
}
