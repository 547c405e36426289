// Package calcpb is the contract as Protobuf messages. interop.pb.go is generated, here is what the messages do.
package calcpb

import (
	"context"
	"time"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/contract"
)

// Cmds are the Commands; the first three are those of the wire vectors.
var Cmds = []core.Cmd[contract.Calc]{
	(*AddCmd)(nil), (*SubCmd)(nil), (*EchoCmd)(nil), (*CountCmd)(nil), (*FailCmd)(nil), (*SlowCmd)(nil),
}

// Results are the Results; the first two are those of the wire vectors.
var Results = []core.Result{(*CalcResult)(nil), (*EchoResult)(nil), (*CountResult)(nil)}

func (c *AddCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, calc contract.Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, &CalcResult{R: int64(calc.Add(int(c.A), int(c.B)))})
	return err
}

func (c *SubCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, calc contract.Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, &CalcResult{R: int64(calc.Sub(int(c.A), int(c.B)))})
	return err
}

func (c *EchoCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, _ contract.Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, &EchoResult{ProtoData: c.ProtoData})
	return err
}

func (c *CountCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, _ contract.Calc, proxy core.Proxy) error {
	for i := range c.N {
		if _, err := proxy.Send(seq, &CountResult{I: i, Last: i == c.N-1}); err != nil {
			return err
		}
	}
	return nil
}

func (*FailCmd) Exec(context.Context, core.Seq, time.Time, contract.Calc, core.Proxy) error {
	return contract.ErrIntentional
}

func (c *SlowCmd) Exec(ctx context.Context, seq core.Seq, _ time.Time, _ contract.Calc, proxy core.Proxy) error {
	if err := contract.Sleep(ctx, int(c.Ms)); err != nil {
		return err
	}
	_, err := proxy.Send(seq, &CalcResult{R: c.Ms})
	return err
}

func (*CalcResult) LastOne() bool    { return true }
func (*EchoResult) LastOne() bool    { return true }
func (r *CountResult) LastOne() bool { return r.Last }
