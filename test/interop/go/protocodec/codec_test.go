package protocodec_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/calcpb"
	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
	"nestjs-cmd-stream/interop/vectors"
)

func TestVectors(t *testing.T) {
	clientCodec := client.AdaptCodec(dialect.Protobuf.Client, client.DefaultOptions())
	serverCodec := server.AdaptCodec(dialect.Protobuf.Server, server.DefaultOptions())
	vectors.Check(t, vectors.Side[core.Cmd[contract.Calc]]{
		Kind: "frame.protobuf.cmd", Decode: serverCodec.Decode, Encode: clientCodec.Encode,
		Text: text,
	})
	vectors.Check(t, vectors.Side[core.Result]{
		Kind: "frame.protobuf.result", Decode: clientCodec.Decode, Encode: serverCodec.Encode,
		Text: text,
	})
}

func text(v any) ([]byte, error) {
	options := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}
	return options.Marshal(v.(proto.Message))
}

func TestEveryTypeOfTheContractIsAMessageOfItsOwn(t *testing.T) {
	names := map[string]bool{}
	for _, cmd := range calcpb.Cmds {
		names[string(cmd.(proto.Message).ProtoReflect().Descriptor().FullName())] = true
	}
	for _, result := range calcpb.Results {
		names[string(result.(proto.Message).ProtoReflect().Descriptor().FullName())] = true
	}
	if len(names) != len(calcpb.Cmds)+len(calcpb.Results) {
		t.Errorf("%v", names)
	}
}
