package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/contract"
)

func unary(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := expectAdd(ctx, c); err != nil {
		return "", err
	}
	return "AddCmd 2 3 = 5, SubCmd 8 4 = 4",
		expect(ctx, c, contract.SubCmd{A: 8, B: 4}, contract.CalcResult(4))
}

func multi(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return "3 Results in order", expect(ctx, c, contract.CountCmd{N: 3},
		contract.CountResult{I: 0}, contract.CountResult{I: 1}, contract.CountResult{I: 2, Last: true})
}

func interleaved(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	slow, err := send(ctx, c, contract.SlowCmd{Ms: 500})
	if err != nil {
		return "", err
	}
	if err := expectAdd(ctx, c); err != nil {
		return "", err
	}
	if len(slow) > 0 {
		return "", errors.New("the slow Command was answered before the quick one")
	}
	got, err := receive(ctx, slow)
	if err == nil && got[0] != contract.CalcResult(500) {
		err = fmt.Errorf("SlowCmd is answered by %v", got)
	}
	return "the quick Command overtook the slow one", err
}

func large(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	text := strings.Repeat("0123456789abcdef", 900<<10/16)
	return fmt.Sprintf("%d bytes", len(text)), expect(ctx, c, contract.EchoCmd(text), contract.EchoResult(text))
}

func nonASCII(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	texts := []string{
		"héllo ÿ 😀 \u2028\u2029", "日本語 العربية", "e\u0301", "👨\u200d👩\u200d👧 🇩🇪", "\ufeffx\ufffd\U0010ffff",
		"\x00\x01\b\t\n\v\f\r\x1f\x7f\"\\/", "<a href=\"x\">&</a>", "", strings.Repeat("ÿ😀", 5000),
	}
	for _, text := range texts {
		if err := expect(ctx, c, contract.EchoCmd(text), contract.EchoResult(text)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d texts", len(texts)), nil
}

func concurrent(ctx context.Context, to target) (string, error) {
	const commands = 1000
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	failures := make(chan error, commands)
	for i := range commands {
		go func() {
			failures <- expect(ctx, c, contract.AddCmd{A: i, B: -2 * i}, contract.CalcResult(-i))
		}()
	}
	for range commands {
		if failure := <-failures; err == nil {
			err = failure
		}
	}
	return fmt.Sprintf("%d Commands", commands), err
}

func fail(ctx context.Context, to target) (string, error) {
	other, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer other.Close()
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	answers, err := send(ctx, c, contract.FailCmd{})
	if err != nil {
		return "", err
	}
	if err := expectLost(ctx, c, answers); err != nil {
		return "", err
	}
	return "closed by the server, another connection answers", expectAdd(ctx, other)
}

// expectLost waits for the end of a client's connection, which is what ends its pending Command.
func expectLost(ctx context.Context, c *peer, answers <-chan core.AsyncResult) error {
	results, err := receive(ctx, answers)
	if len(results) > 0 || err == nil {
		return fmt.Errorf("a failing Command is answered by %v", results)
	}
	select {
	case <-c.Done():
	case <-ctx.Done():
		return errors.New("the connection stays open")
	}
	if !errors.Is(c.Error(), io.EOF) && !isReset(c.Error()) {
		return fmt.Errorf("the connection ended with %w", c.Error())
	}
	return nil
}
