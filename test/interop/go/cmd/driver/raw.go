package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

const (
	pong        = "00"
	paddedFrame = "8000" // seq 0 in two bytes
)

// rawFrames are frames of seq 1 in hex: AddCmd 2 3 and its answer, a type number in no contract, an AddCmd
// whose body or field is none.
type rawFrames struct{ add, answer, noSuchType, badBody string }

var rawFramesOf = map[string]rawFrames{
	"json":     {"01000d7b2241223a322c2242223a337d", "01000135", "0163027b7d", "0100027b5d"},
	"protobuf": {"01000408021003", "0100020805", "016300", "0100010c"},
	"mus":      {"01010406", "01010a", "0163", "010180808080808080808002"},
}

func unknownDTM(ctx context.Context, to target) (string, error) {
	return refused(ctx, to, rawFramesOf[to.Name].noSuchType)
}

func badBody(ctx context.Context, to target) (string, error) {
	return refused(ctx, to, rawFramesOf[to.Name].badBody)
}

// refused sends a frame that has to end its connection without an answer, and no other connection.
func refused(ctx context.Context, to target, frame string) (string, error) {
	other, err := to.connect(ctx)
	if err != nil {
		return "", err
	}
	defer other.Close()
	conn, err := to.raw(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := write(conn, frame); err != nil {
		return "", err
	}
	rest, err := io.ReadAll(conn)
	if len(rest) > 0 {
		return "", fmt.Errorf("answered by %x", rest)
	}
	if err != nil && !isReset(err) {
		return "", fmt.Errorf("the connection stays open: %w", err)
	}
	return "closed by the server, another connection answers", to.expectAdd(ctx, other)
}

func paddedPing(ctx context.Context, to target) (string, error) {
	conn, err := to.raw(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := exchange(conn, paddedFrame, pong); err != nil {
		return "", err
	}
	frames := rawFramesOf[to.Name]
	return "80 00 is answered by 00, then a Command", exchange(conn, frames.add, frames.answer)
}

// raw opens a connection and reads the ServerInfo off it; it ends with ctx.
func (t target) raw(ctx context.Context) (net.Conn, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(deadline(ctx))
	if err := exchange(conn, "", fmt.Sprintf("%02x%x", len(t.info), t.info)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// exchange writes bytes and reads exactly those that are to come back.
func exchange(conn net.Conn, out, in string) error {
	if err := write(conn, out); err != nil {
		return err
	}
	want, err := hex.DecodeString(in)
	if err != nil {
		return err
	}
	got := make([]byte, len(want))
	n, err := io.ReadFull(conn, got)
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("%q is answered by %x (%v), want %s", out, got[:n], err, in)
	}
	return nil
}

func write(conn net.Conn, out string) error {
	frame, err := hex.DecodeString(out)
	if err == nil {
		_, err = conn.Write(frame)
	}
	return err
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
