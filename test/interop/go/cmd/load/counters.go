package main

import (
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// counters say what became of the Commands.
type counters struct {
	sent, ok, mismatched, late, dialed atomic.Int64

	mu     sync.Mutex
	failed map[string]int64
}

// A snapshot is taken while the callers go on: Pending is what was sent and is neither answered nor failed.
type snapshot struct {
	Sent       int64            `json:"sent"`
	OK         int64            `json:"ok"`
	Failed     map[string]int64 `json:"failed"`
	Mismatched int64            `json:"mismatched"`
	Pending    int64            `json:"pending"`
	Late       int64            `json:"late"`
	Dialed     int64            `json:"dialed"`
}

func (c *counters) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = map[string]int64{}
	}
	c.failed[textOf(err)]++
}

func (c *counters) snapshot() snapshot {
	c.mu.Lock()
	failed := maps.Clone(c.failed)
	c.mu.Unlock()
	s := snapshot{Failed: failed, OK: c.ok.Load(), Mismatched: c.mismatched.Load()}
	s.Sent, s.Late, s.Dialed = c.sent.Load(), c.late.Load(), c.dialed.Load()
	s.Pending = s.Sent - s.OK - s.Mismatched
	for _, n := range failed {
		s.Pending -= n
	}
	if failed == nil {
		s.Failed = map[string]int64{}
	}
	return s
}

// textOf is an error's text without the addresses that would make each of them another one.
func textOf(err error) string {
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, net.ErrClosed):
		return net.ErrClosed.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded.Error()
	case errors.Is(err, io.EOF):
		return io.EOF.Error()
	}
	return err.Error()
}
