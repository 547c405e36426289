package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/client"
	delegatecln "github.com/cmd-stream/cmd-stream-go/delegate/cln"
)

func ping(ctx context.Context, to target) (string, error) {
	const pongs = 5
	conn, err := to.dial(ctx)
	if err != nil {
		return "", err
	}
	tapped := &tap{Conn: conn, more: make(chan struct{}, 1)}
	c, err := to.open(ctx, tapped, client.WithKeepalive(
		delegatecln.WithKeepaliveTime(50*time.Millisecond),
		delegatecln.WithKeepaliveIntvl(50*time.Millisecond),
	))
	if err != nil {
		return "", err
	}
	defer c.Close()
	info := len(to.info) + 1
	for tapped.len() < info+pongs {
		select {
		case <-tapped.more:
		case <-c.Done():
			return "", fmt.Errorf("the idle connection ended: %w", c.Error())
		case <-ctx.Done():
			return "", fmt.Errorf("%d pongs in time", tapped.len()-info)
		}
	}
	if idle := tapped.bytes()[info:]; len(bytes.Trim(idle, "\x00")) > 0 {
		return "", fmt.Errorf("pongs are %x", idle)
	}
	return fmt.Sprintf("%d pongs, then a Command", pongs), to.expectAdd(ctx, c)
}

// tap keeps what a connection delivers.
type tap struct {
	net.Conn
	mu   sync.Mutex
	in   []byte
	more chan struct{}
}

func (t *tap) Read(p []byte) (n int, err error) {
	n, err = t.Conn.Read(p)
	t.mu.Lock()
	t.in = append(t.in, p[:n]...)
	t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
	return n, err
}

func (t *tap) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.in)
}

func (t *tap) len() int { return len(t.bytes()) }

func infoMismatch(ctx context.Context, to target) (string, error) {
	to.info += "-other"
	c, err := to.connect(ctx)
	if err == nil {
		_ = c.Close()
		return "", errors.New("the client accepted another ServerInfo")
	}
	if !errors.Is(err, delegatecln.ErrServerInfoMismatch) {
		return "", err
	}
	return err.Error(), nil
}

// The first Command on the new connection has seq 3 or more: the numbers of a client go on.
func reconnect(ctx context.Context, to target) (string, error) {
	var dialed atomic.Int32
	factory := client.ConnFactoryFn(func() (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		dialed.Add(1)
		return to.dial(ctx)
	})
	c, err := cmdstream.NewReconnectClient(to.Client, factory, to.options(ctx)...)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := to.expectAdd(ctx, c); err != nil {
		return "", err
	}
	answers, err := send(ctx, c, to.Fail)
	if err != nil {
		return "", err
	}
	if results, err := receive(ctx, answers); err == nil || ctx.Err() != nil {
		return "", fmt.Errorf("a failing Command is answered by %v (%v)", results, err)
	}
	// A Command that is sent while the client has no connection is lost without a word.
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
		if err = to.expectAdd(attempt, c); err == nil {
			cancel()
			break
		}
		<-attempt.Done()
		cancel()
	}
	if err == nil && dialed.Load() != 2 {
		err = fmt.Errorf("%d connections, want 2", dialed.Load())
	}
	return "a Command on the second connection", err
}

func overTLS(ctx context.Context, to target) (string, error) {
	if to.tls == nil {
		return "", errors.New("this case needs -tls")
	}
	conn, err := to.dial(ctx)
	if err != nil {
		return "", err
	}
	state := conn.(*tls.Conn).ConnectionState()
	c, err := to.open(ctx, conn)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return tls.VersionName(state.Version), to.expectAdd(ctx, c)
}
