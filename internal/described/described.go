// Package described checks answers of a server against api.OpenAPI. It is for tests: an
// answer that the document does not describe is an error, and so is a document that is not
// valid OpenAPI.
//
// A Document is made once; any goroutine may use it.
package described

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cohortkv/cohort/api"
)

// general are the headers that HTTP itself explains (RFC 9110, 9112).
var general = []string{"Connection", "Content-Length", "Content-Type", "Date", "Transfer-Encoding"}

// Document is the description of the HTTP surface.
type Document struct {
	paths []path // those with more fixed text first
}

type path struct {
	template string
	fixed    []string // the text around the parameters
	item     *openapi3.PathItem
}

// Parse reads a description and checks that it is valid OpenAPI 3.1.
func Parse(text string) (*Document, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("api/openapi.yaml: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("api/openapi.yaml: %w", err)
	}
	d := &Document{}
	for template, item := range doc.Paths.Map() {
		d.paths = append(d.paths, path{template, fixedOf(template), item})
	}
	slices.SortFunc(d.paths, func(a, b path) int { return len(strings.Join(b.fixed, "")) - len(strings.Join(a.fixed, "")) })
	return d, nil
}

// Default returns the description that nodes serve. It panics if that is not valid.
var Default = sync.OnceValue(func() *Document {
	d, err := Parse(api.OpenAPI)
	if err != nil {
		panic(err)
	}
	return d
})

// fixedOf returns the text of a template around its parameters.
func fixedOf(template string) (fixed []string) {
	for rest := template; ; {
		before, after, more := strings.Cut(rest, "{")
		fixed = append(fixed, before)
		if !more {
			return fixed
		}
		_, rest, _ = strings.Cut(after, "}")
	}
}

// matches reports whether the template describes a path without a query. The last parameter
// may contain slashes, as a key may.
func (p path) matches(target string) bool {
	rest, ok := strings.CutPrefix(target, p.fixed[0])
	for i, text := range p.fixed[1:] {
		switch last := i == len(p.fixed)-2; {
		case !ok:
			return false
		case last && text == "":
			return rest != "" && (strings.HasSuffix(p.template, "/{key}") || !strings.Contains(rest, "/"))
		default:
			var parameter string
			parameter, rest, ok = strings.Cut(rest, text)
			ok = ok && parameter != "" && !strings.Contains(parameter, "/")
		}
	}
	return ok && rest == ""
}

// Answer is an answer of a server.
type Answer struct {
	Method string
	Path   string // may have a query
	Status int
	Header http.Header
	Body   []byte
}

// Check returns an error if the description does not allow the answer.
func (d *Document) Check(a Answer) error {
	target, _, _ := strings.Cut(a.Path, "?")
	what := fmt.Sprintf("%s %.60s answers %d, and api/openapi.yaml", a.Method, target, a.Status)
	i := slices.IndexFunc(d.paths, func(p path) bool { return p.matches(target) })
	if i < 0 {
		if a.Status < 400 {
			return fmt.Errorf("%s has no such path", what)
		}
		return nil
	}
	template, item := d.paths[i].template, d.paths[i].item
	operation := item.GetOperation(methodOf(a.Method))
	if operation == nil {
		if a.Status < 400 {
			return fmt.Errorf("%s has no %s of %s", what, a.Method, template)
		}
		return nil
	}
	ref := operation.Responses.Value(strconv.Itoa(a.Status))
	if ref == nil {
		if a.Status == http.StatusMethodNotAllowed && a.Header.Get("Allow") != "" {
			return nil
		}
		return fmt.Errorf("%s has no such status for %s %s", what, a.Method, template)
	}
	if err := checkHeaders(ref.Value, a.Header); err != nil {
		return fmt.Errorf("%s, %s %s: %w", what, a.Method, template, err)
	}
	if err := d.checkBody(ref.Value, a); err != nil {
		return fmt.Errorf("%s, %s %s: %w", what, a.Method, template, err)
	}
	return nil
}

// methodOf returns the method whose description applies: HEAD is described as GET without a
// body.
func methodOf(method string) string {
	switch method {
	case http.MethodHead:
		return http.MethodGet
	case http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPost, http.MethodPatch, http.MethodOptions, http.MethodTrace:
		return method
	}
	return http.MethodTrace // no path has it
}

func checkHeaders(response *openapi3.Response, header http.Header) error {
	described := func(name string) bool {
		for known := range response.Headers {
			if strings.EqualFold(known, name) {
				return true
			}
		}
		return slices.Contains(general, name)
	}
	for name := range header {
		if !described(name) {
			return fmt.Errorf("which has no header %s there", name)
		}
	}
	for name, ref := range response.Headers {
		if ref.Value.Required && header.Get(name) == "" {
			return fmt.Errorf("the answer lacks the header %s", name)
		}
	}
	return nil
}

func (d *Document) checkBody(response *openapi3.Response, a Answer) error {
	if len(a.Body) == 0 {
		return nil
	}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	media := response.Content.Get(kind)
	if media == nil {
		return fmt.Errorf("which has no %q there", kind)
	}
	if kind != api.TypeJSON && kind != api.TypeProblem || response.Content[kind] == nil {
		return nil
	}
	if response.Content["*/*"] != nil && !strings.Contains(string(a.Body), `"content_type"`) {
		return nil // the value is JSON
	}
	var value any
	if err := json.Unmarshal(a.Body, &value); err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		return fmt.Errorf("the body is another one: %w", err)
	}
	return nil
}

// Template returns the template of the path that describes a method of a target; false
// if nothing describes it.
func (d *Document) Template(method, target string) (template string, found bool) {
	i := slices.IndexFunc(d.paths, func(p path) bool { return p.matches(target) })
	if i < 0 || d.paths[i].item.GetOperation(method) == nil {
		return "", false
	}
	return d.paths[i].template, true
}

// Operations lists the methods and templates of all paths.
func (d *Document) Operations() (list [][2]string) {
	for _, p := range d.paths {
		for method := range p.item.Operations() {
			list = append(list, [2]string{method, p.template})
		}
	}
	return list
}
