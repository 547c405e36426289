// Package dialect is the contract in each of its codecs: the codecs of both sides, and the Commands and Results
// by what they mean.
package dialect

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/calcpb"
	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/jsoncodec"
	"nestjs-cmd-stream/interop/muscodec"
	"nestjs-cmd-stream/interop/protocodec"
)

// Command is a Command of the contract.
type Command = core.Cmd[contract.Calc]

// Dialect is the contract in one codec.
type Dialect struct {
	Name   string
	Server server.Codec[contract.Calc]
	Client client.Codec[contract.Calc]

	Add, Sub func(a, b int) Command
	Count    func(n int) Command
	Echo     func(text string) Command
	Slow     func(ms int) Command
	Fail     Command

	Sum    func(int) core.Result
	Item   func(i int, last bool) core.Result
	Echoed func(text string) core.Result
}

// Named finds a Dialect by the name of its codec.
func Named(name string) (Dialect, error) {
	for _, d := range []Dialect{JSON, Protobuf, MUS} {
		if d.Name == name {
			return d, nil
		}
	}
	return Dialect{}, fmt.Errorf("no codec is named %q", name)
}

// Equal compares two Results.
func Equal(a, b core.Result) bool {
	if a, ok := a.(proto.Message); ok {
		b, ok := b.(proto.Message)
		return ok && proto.Equal(a, b)
	}
	return a == b
}

// JSON is the contract in JSON.
var JSON = plain("json", jsoncodec.New(contract.Results, contract.Cmds), jsoncodec.New(contract.Cmds, contract.Results))

// MUS is the contract in MUS.
var MUS = plain("mus",
	muscodec.New(contract.ResultsMUS, contract.CmdsMUS), muscodec.New(contract.CmdsMUS, contract.ResultsMUS))

func plain(name string, server server.Codec[contract.Calc], client client.Codec[contract.Calc]) Dialect {
	return Dialect{
		Name: name, Server: server, Client: client,
		Add:    func(a, b int) Command { return contract.AddCmd{A: a, B: b} },
		Sub:    func(a, b int) Command { return contract.SubCmd{A: a, B: b} },
		Count:  func(n int) Command { return contract.CountCmd{N: n} },
		Echo:   func(text string) Command { return contract.EchoCmd(text) },
		Slow:   func(ms int) Command { return contract.SlowCmd{Ms: ms} },
		Fail:   contract.FailCmd{},
		Sum:    func(n int) core.Result { return contract.CalcResult(n) },
		Item:   func(i int, last bool) core.Result { return contract.CountResult{I: i, Last: last} },
		Echoed: func(text string) core.Result { return contract.EchoResult(text) },
	}
}

// Protobuf is the contract in Protobuf; its EchoCmd carries other values beside the text.
var Protobuf = Dialect{
	Name:   "protobuf",
	Server: protocodec.New(calcpb.Results, calcpb.Cmds),
	Client: protocodec.New(calcpb.Cmds, calcpb.Results),
	Add:    func(a, b int) Command { return &calcpb.AddCmd{A: int64(a), B: int64(b)} },
	Sub:    func(a, b int) Command { return &calcpb.SubCmd{A: int64(a), B: int64(b)} },
	Count:  func(n int) Command { return &calcpb.CountCmd{N: int64(n)} },
	Echo:   func(text string) Command { return &calcpb.EchoCmd{ProtoData: data(text)} },
	Slow:   func(ms int) Command { return &calcpb.SlowCmd{Ms: int64(ms)} },
	Fail:   &calcpb.FailCmd{},
	Sum:    func(n int) core.Result { return &calcpb.CalcResult{R: int64(n)} },
	Item:   func(i int, last bool) core.Result { return &calcpb.CountResult{I: int64(i), Last: last} },
	Echoed: func(text string) core.Result { return &calcpb.EchoResult{ProtoData: data(text)} },
}

func data(text string) *calcpb.Data {
	return &calcpb.Data{Bool: true, Int64: int64(-len(text)), String_: text, Float64: float64(len(text)) / 3}
}
