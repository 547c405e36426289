// Command bench is the Go side of the benchmarks (test/bench): a server, or a client that keeps calls in flight.
// Its only argument is a job in JSON; it answers each line of JSON on stdin by one on descriptor 3, and ends
// with stdin.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"runtime"
	"syscall"
)

type job struct {
	Role     string   `json:"role"`
	Port     int      `json:"port"`
	Workload workload `json:"workload"`
}

type workload struct {
	Payload     any     `json:"payload"` // bytes of the body, or "mixed"
	Connections int     `json:"connections"`
	DelayMs     float64 `json:"delayMs"`
}

type greeting struct {
	Port int `json:"port"`
}

func main() {
	log.SetFlags(0)
	var j job
	if len(os.Args) != 2 {
		log.Fatal("usage: bench JOB")
	}
	if err := json.Unmarshal([]byte(os.Args[1]), &j); err != nil {
		log.Fatal(err)
	}
	run := serve
	if j.Role == "client" {
		run = call
	}
	if err := run(j); err != nil {
		log.Fatal(err)
	}
}

// answer prints a line, and then, for each line of stdin, what reply makes of it.
func answer(first any, reply func(line []byte) (any, error)) error {
	out := json.NewEncoder(os.NewFile(3, "answers"))
	if err := out.Encode(first); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		said, err := reply(lines.Bytes())
		if err != nil {
			return err
		}
		if err := out.Encode(said); err != nil {
			return err
		}
	}
	return lines.Err()
}

// effort is what the process has taken of the processor, and what it holds.
type effort struct {
	CPUSeconds float64 `json:"cpuSeconds"`
	HeapBytes  uint64  `json:"heapBytes,omitempty"`
}

// effortSince looks at the heap only where that is asked for.
func effortSince(begin float64, heap bool) effort {
	spent := effort{CPUSeconds: cpuSeconds() - begin}
	if heap {
		spent.HeapBytes = heapBytes()
	}
	return spent
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func heapBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
