// Package contract holds the Commands and Results that the Go and the TypeScript peers of the interop
// tests share: their order is their type number, their field names and JSON forms are the wire's.
package contract

import (
	"context"
	"errors"
	"time"

	"github.com/cmd-stream/cmd-stream-go/core"
)

// Cmds are the Commands; the first seven are those of the wire vectors.
var Cmds = []core.Cmd[Calc]{
	AddCmd{}, SubCmd{}, CountCmd{}, EchoCmd(""), FailCmd{}, FloatCmd{}, TraceCmd{}, SlowCmd{},
}

// VectorCmds are the Commands of the wire vectors, where type number 7 is unknown.
var VectorCmds = Cmds[:7]

// Results are the Results.
var Results = []core.Result{CalcResult(0), CountResult{}, EchoResult("")}

// Calc is the Receiver.
type Calc struct{}

// Add returns a + b.
func (Calc) Add(a, b int) int { return a + b }

// Sub returns a - b.
func (Calc) Sub(a, b int) int { return a - b }

// AddCmd (0) is answered by CalcResult A + B.
type AddCmd struct{ A, B int }

func (c AddCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, calc Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, CalcResult(calc.Add(c.A, c.B)))
	return err
}

// SubCmd (1) is answered by CalcResult A - B.
type SubCmd struct{ A, B int }

func (c SubCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, calc Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, CalcResult(calc.Sub(c.A, c.B)))
	return err
}

// CountCmd (2) is answered by N CountResults, I from 0, Last on the last one.
type CountCmd struct{ N int }

func (c CountCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, _ Calc, proxy core.Proxy) error {
	for i := range c.N {
		if _, err := proxy.Send(seq, CountResult{I: i, Last: i == c.N-1}); err != nil {
			return err
		}
	}
	return nil
}

// EchoCmd (3) is answered by an EchoResult of the same text.
type EchoCmd string

func (c EchoCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, _ Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, EchoResult(c))
	return err
}

// ErrIntentional is what a FailCmd fails with.
var ErrIntentional = errors.New("intentional failure")

// FailCmd (4) fails, which ends the connection.
type FailCmd struct{}

func (FailCmd) Exec(context.Context, core.Seq, time.Time, Calc, core.Proxy) error {
	return ErrIntentional
}

// FloatCmd (5) is answered by CalcResult X without its fraction.
type FloatCmd struct{ X float64 }

func (c FloatCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, _ Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, CalcResult(c.X))
	return err
}

// TraceCmd (6) is an AddCmd that carries trace headers, and is answered as its AddCmd.
type TraceCmd struct {
	MapCarrier *map[string]string
	Cmd        AddCmd
}

func (c TraceCmd) Exec(ctx context.Context, seq core.Seq, at time.Time, calc Calc, proxy core.Proxy) error {
	return c.Cmd.Exec(ctx, seq, at, calc, proxy)
}

// SlowCmd (7) is answered by CalcResult Ms after that many milliseconds, unless the connection ends first.
type SlowCmd struct{ Ms int }

func (c SlowCmd) Exec(ctx context.Context, seq core.Seq, _ time.Time, _ Calc, proxy core.Proxy) error {
	if err := Sleep(ctx, c.Ms); err != nil {
		return err
	}
	_, err := proxy.Send(seq, CalcResult(c.Ms))
	return err
}

// Sleep waits for some milliseconds, or for the end of ctx.
func Sleep(ctx context.Context, ms int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	}
}

// CalcResult (0) is a bare number.
type CalcResult int

func (CalcResult) LastOne() bool { return true }

// CountResult (1) says itself whether it is the last one.
type CountResult struct {
	I    int
	Last bool
}

func (r CountResult) LastOne() bool { return r.Last }

// EchoResult (2) is a bare string.
type EchoResult string

func (EchoResult) LastOne() bool { return true }
