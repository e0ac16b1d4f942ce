package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/floe-storage/floe/shard"
)

const stdinName = "-"

// input is a file, or standard input, that is to become a blob.
type input struct {
	name string
	io.Reader
	size  int64    // -1 if it is not known before all is read
	close *os.File // nil for standard input
}

// openInput opens a file, or standard input for "-". Close it.
func (a *app) openInput(name string) (*input, error) {
	if name == stdinName {
		a.logger().Info("reading standard input")
		return &input{name: "standard input", Reader: a.in, size: -1}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in := &input{name: name, Reader: f, size: -1, close: f}
	info, err := f.Stat()
	switch {
	case err != nil:
		_ = f.Close() // read only
		return nil, err
	case info.IsDir():
		_ = f.Close() // read only
		return nil, usageError{fmt.Errorf("%s is a directory", name), "name a file; tar makes one of a directory"}
	case info.Mode().IsRegular():
		in.size = info.Size()
	}
	return in, nil
}

// Close closes the file.
func (in *input) Close() error {
	if in.close == nil {
		return nil
	}
	return in.close.Close()
}

// tooLongError says that an input of unknown size has more bytes than fit.
type tooLongError struct {
	name  string
	limit shard.TooLargeError // as if the input ended after the first byte too much
}

func (e *tooLongError) Error() string {
	s := fmt.Sprintf("%s has more than the %d bytes that a blob can have with %d shards", e.name, e.limit.Max, e.limit.Shards)
	if n, ok := e.limit.Needed(); ok {
		s += fmt.Sprintf("; at least %d shards would be needed", n)
	}
	return s
}

// read reads all of it. What is larger than a blob can be is refused before or
// while it is read.
func (in *input) read(params shard.Params) ([]byte, error) {
	limit := params.MaxBlobSize()
	if in.size > 0 && uint64(in.size) > limit {
		_, err := params.SymbolSize(uint64(in.size))
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	data, err := readAll(io.LimitReader(in, int64(limit)+1), in.size)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", in.name, err)
	}
	if n := uint64(len(data)); n > limit {
		return nil, &tooLongError{in.name, shard.TooLargeError{Size: n, Max: limit, Shards: params.Shards()}}
	}
	return data, nil
}

// metadata computes the metadata of the blob that the input is: of a file in
// memory that does not depend on its size.
func (in *input) metadata(params shard.Params) (*shard.Metadata, error) {
	if in.size < 0 {
		data, err := in.read(params)
		if err != nil {
			return nil, err
		}
		return shard.ComputeMetadata(params, data)
	}
	md, err := shard.ComputeMetadataFrom(params, in, uint64(in.size), shard.StreamConfig{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return md, nil
}

// readAll reads to the end, with room for size bytes if that is known.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(r)
	}
	data := make([]byte, 0, size+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		if len(data) == cap(data) { // it has grown meanwhile
			data = append(data, 0)[:len(data)]
		}
	}
}

// promptly returns what fn returns, or ctx's error as soon as ctx ends. fn is
// then abandoned: it blocks where no context reaches, as in reading a terminal,
// and the process is about to end.
func promptly[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() { // see above
		v, err := fn()
		done <- outcome{v, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
