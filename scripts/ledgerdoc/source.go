package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// source is a package whose declarations are indexed.
type source struct {
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
	pkg   *types.Package

	funcs   map[*types.Func]*ast.FuncDecl
	structs map[string]*record // by type name
	consts  []*constantDecl    // in the order of the files
}

// record is a type that is a struct.
type record struct {
	name   string
	doc    string
	fields []field
}

// field is an exported field of a record, or an embedded type.
type field struct {
	name, typ, doc string
}

// constantDecl is a constant with what its comment says.
type constantDecl struct {
	object *types.Const
	doc    string
}

// number returns the value of a constant that is a whole number.
func (c *constantDecl) number() uint64 {
	n, _ := constant.Uint64Val(constant.ToInt(c.object.Val()))
	return n
}

// kinded is a type with a method kind: a message or an event.
type kinded struct {
	*record
	number int    // of a message
	label  string // of an event
	apply  *types.Func
	work   *ast.FuncDecl
}

// empty imports packages without looking at them: what the page tells is in
// the ledger itself.
type empty struct{}

func (empty) Import(p string) (*types.Package, error) {
	pkg := types.NewPackage(p, path.Base(p))
	pkg.MarkComplete()
	return pkg, nil
}

func load(dir string) (*source, error) {
	s := &source{
		fset:  token.NewFileSet(),
		funcs: map[*types.Func]*ast.FuncDecl{}, structs: map[string]*record{},
		info: &types.Info{
			Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{},
		},
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go")) // sorted
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(s.fset, name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
	}
	if len(s.files) == 0 {
		return nil, errors.New("no package ledger")
	}
	config := types.Config{Importer: empty{}, Error: func(error) {}} // what is imported is missing
	s.pkg, _ = config.Check("ledger", s.fset, s.files, s.info)
	for _, f := range s.files {
		for _, d := range f.Decls {
			s.index(d)
		}
	}
	return s, nil
}

func (s *source) index(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if f, ok := s.info.Defs[d.Name].(*types.Func); ok {
			s.funcs[f] = d
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if t, ok := spec.Type.(*ast.StructType); ok {
					s.structs[spec.Name.Name] = &record{name: spec.Name.Name, doc: first(spec.Doc, d.Doc), fields: s.fields(t)}
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if c, ok := s.info.Defs[name].(*types.Const); ok {
						s.consts = append(s.consts, &constantDecl{object: c, doc: first(spec.Doc, spec.Comment)})
					}
				}
			}
		}
	}
}

func (s *source) fields(t *ast.StructType) []field {
	var out []field
	for _, f := range t.Fields.List {
		typ := types.ExprString(f.Type)
		doc := strings.ReplaceAll(first(f.Doc, f.Comment), "\n", " ")
		if len(f.Names) == 0 {
			out = append(out, field{typ: typ, doc: doc})
		}
		for _, n := range f.Names {
			if n.IsExported() {
				out = append(out, field{name: n.Name, typ: typ, doc: doc})
			}
		}
	}
	return out
}

// first returns the text of the first comment that there is.
func first(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.TrimSpace(g.Text()); text != "" {
			return text
		}
	}
	return ""
}

// kinds returns the types with a method kind that returns a constant: messages
// by number, then events by the order of their files.
func (s *source) kinds() (messages, events []kinded, err error) {
	for f, decl := range s.funcs {
		if f.Name() != "kind" || decl.Recv == nil || len(decl.Body.List) != 1 {
			continue
		}
		ret, ok := decl.Body.List[0].(*ast.ReturnStmt)
		if !ok {
			continue
		}
		value := s.info.Types[ret.Results[0]].Value
		k := kinded{record: s.structs[receiver(f)]}
		if value == nil || k.record == nil {
			return nil, nil, fmt.Errorf("the kind of %s is no constant, or it no struct", receiver(f))
		}
		if value.Kind() == constant.String {
			k.label = constant.StringVal(value)
			events = append(events, k)
			continue
		}
		n, _ := constant.Int64Val(value)
		k.number = int(n)
		k.apply = s.method(k.name, "apply")
		if work := s.method(k.name, "work"); work != nil {
			k.work = s.funcs[work]
		}
		if k.apply == nil || k.work == nil {
			return nil, nil, fmt.Errorf("message %s lacks apply or work", k.name)
		}
		messages = append(messages, k)
	}
	slices.SortFunc(messages, func(a, b kinded) int { return cmp.Compare(a.number, b.number) })
	slices.SortFunc(events, func(a, b kinded) int { return cmp.Compare(a.label, b.label) })
	return messages, events, nil
}

// method returns a method by the names of its type and its own; nil if there
// is none.
func (s *source) method(typ, name string) *types.Func {
	for f := range s.funcs {
		if f.Name() == name && receiver(f) == typ {
			return f
		}
	}
	return nil
}

// receiver returns the name of the type of a method's receiver.
func receiver(f *types.Func) string {
	recv := f.Signature().Recv()
	if recv == nil {
		return ""
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}
