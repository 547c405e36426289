package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/dialect"
)

func unary(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := to.expectAdd(ctx, c); err != nil {
		return "", err
	}
	return "AddCmd 2 3 = 5, SubCmd 8 4 = 4",
		expect(ctx, c, to.Sub(8, 4), to.Sum(4))
}

func multi(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return "3 Results in order", expect(ctx, c, to.Count(3),
		to.Item(0, false), to.Item(1, false), to.Item(2, true))
}

func interleaved(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	slow, err := send(ctx, c, to.Slow(500))
	if err != nil {
		return "", err
	}
	if err := to.expectAdd(ctx, c); err != nil {
		return "", err
	}
	if len(slow) > 0 {
		return "", errors.New("the slow Command was answered before the quick one")
	}
	got, err := receive(ctx, slow)
	if err == nil && !dialect.Equal(got[0], to.Sum(500)) {
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
	return fmt.Sprintf("%d bytes", len(text)), expect(ctx, c, to.Echo(text), to.Echoed(text))
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
		if err := expect(ctx, c, to.Echo(text), to.Echoed(text)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d texts", len(texts)), nil
}

func extremes(ctx context.Context, to target) (string, error) {
	c, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	numbers := []int{math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -1 << 53, -1<<53 - 1, -1, 0}
	for _, n := range numbers {
		if err := expect(ctx, c, to.Add(n, 0), to.Sum(n)); err != nil {
			return "", err
		}
		if err := expect(ctx, c, to.Sub(n, n), to.Sum(0)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d numbers", len(numbers)), nil
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
			failures <- expect(ctx, c, to.Add(i, -2*i), to.Sum(-i))
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
	answers, err := send(ctx, c, to.Fail)
	if err != nil {
		return "", err
	}
	if err := expectLost(ctx, c, answers); err != nil {
		return "", err
	}
	return "closed by the server, another connection answers", to.expectAdd(ctx, other)
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
