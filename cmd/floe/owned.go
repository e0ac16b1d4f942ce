package main

import "io"

// listing is an answer that is a list: one object with one field in JSON.
func listing[T any](name string, found []T, text func(io.Writer)) answer {
	list := []any{}
	for _, v := range found {
		list = append(list, toRecord(v))
	}
	return answer{record{{name, list}}, text}
}
