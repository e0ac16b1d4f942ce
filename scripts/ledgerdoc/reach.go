package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// trace is what a function of the ledger does by itself.
type trace struct {
	calls  []*types.Func  // in the order of the text
	codes  []*types.Const // that it names, other than to compare with
	events []string       // types of the events that it makes
}

// traces returns, for each function, what it does by itself.
func (s *source) traces(events []kinded) map[*types.Func]trace {
	isEvent := map[string]bool{}
	for _, e := range events {
		isEvent[e.name] = true
	}
	out := map[*types.Func]trace{}
	for f, decl := range s.funcs {
		if decl.Body != nil {
			out[f] = s.trace(decl.Body, isEvent)
		}
	}
	return out
}

func (s *source) trace(body ast.Node, isEvent map[string]bool) trace {
	var t trace
	compared := map[ast.Expr]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				compared[n.X], compared[n.Y] = true, true
			}
		case *ast.CaseClause:
			for _, e := range n.List {
				compared[e] = true
			}
		case *ast.SelectorExpr:
			if _, ok := n.X.(*ast.CompositeLit); ok {
				compared[n.X] = true // BlobDeleted{}.kind() makes no event
			}
		case *ast.CompositeLit:
			if id, ok := n.Type.(*ast.Ident); ok && isEvent[id.Name] && !compared[n] {
				t.events = append(t.events, id.Name)
			}
		case *ast.Ident:
			switch o := s.info.Uses[n].(type) {
			case *types.Func:
				if _, ours := s.funcs[o.Origin()]; ours {
					t.calls = append(t.calls, o.Origin())
				}
			case *types.Const:
				if named, ok := o.Type().(*types.Named); ok && named.Obj().Name() == "Code" && !compared[n] {
					t.codes = append(t.codes, o)
				}
			}
		}
		return true
	})
	return t
}

// refuses tells whether a function returns an *Error.
func refuses(f *types.Func) bool {
	results := f.Signature().Results()
	for v := range results.Variables() {
		if p, ok := v.Type().(*types.Pointer); ok {
			if n, ok := p.Elem().(*types.Named); ok && n.Obj().Name() == "Error" {
				return true
			}
		}
	}
	return false
}

// reach is what a function does with all those that it calls.
type reach struct {
	funcs  []*types.Func // it first, then those that it calls, depth first
	codes  []*types.Const
	events []string
}

// from follows the calls from a function. The codes of a called function count
// if it returns an *Error: another hands on none.
func from(root *types.Func, traces map[*types.Func]trace) reach {
	var r reach
	var visit func(f *types.Func, counts bool)
	seen := map[*types.Func]bool{} // whether its codes counted
	visit = func(f *types.Func, counts bool) {
		counted, again := seen[f]
		if again && (counted || !counts) {
			return
		}
		seen[f] = counts
		if !again {
			r.funcs = append(r.funcs, f)
		}
		t := traces[f]
		if counts {
			for _, c := range t.codes {
				if !slices.Contains(r.codes, c) {
					r.codes = append(r.codes, c)
				}
			}
		}
		for _, e := range t.events {
			if !slices.Contains(r.events, e) {
				r.events = append(r.events, e)
			}
		}
		for _, called := range t.calls {
			visit(called, counts && refuses(called))
		}
	}
	visit(root, true)
	return r
}
