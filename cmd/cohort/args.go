package main

import (
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// bytesArg is an argument of any bytes: a key, a prefix or a value. kong itself passes
// arguments through JSON, which replaces every byte that is not UTF-8 with U+FFFD. The
// result would name another key.
type bytesArg string

// Decode implements kong.MapperValue.
func (b *bytesArg) Decode(ctx *kong.DecodeContext) error {
	text, err := argument(ctx)
	*b = bytesArg(text)
	return err
}

// textArg takes an argument that becomes a name, an address or part of a JSON body. It
// refuses arguments that are not UTF-8.
func textArg(ctx *kong.DecodeContext, target reflect.Value) error {
	text, err := argument(ctx)
	if err == nil && !utf8.ValidString(text) {
		err = fmt.Errorf("%q is not UTF-8", text)
	}
	if err == nil {
		target.SetString(text)
	}
	return err
}

func argument(ctx *kong.DecodeContext) (string, error) {
	token, err := ctx.Scan.PopValue("string")
	if err != nil {
		return "", err
	}
	text, ok := token.Value.(string)
	if !ok {
		return "", fmt.Errorf("expected a string but got %v", token.Value)
	}
	return text, nil
}
