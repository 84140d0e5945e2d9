package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cohortkv/cohort/api"
)

// Ping succeeds if the node answers at all.
func (c *Client) Ping(ctx context.Context) error {
	var body map[string]any
	return c.doJSON(ctx, call{method: http.MethodGet, path: api.PathPing}, &body)
}

// View is the node's view.
func (c *Client) View(ctx context.Context) (api.View, error) {
	var state api.ViewState
	err := c.doJSON(ctx, call{method: http.MethodGet, path: api.PathView}, &state)
	return state.View, err
}

// ViewStatus returns the view of the node, with its number and whether the node serves it.
func (c *Client) ViewStatus(ctx context.Context) (status api.ViewStatus, err error) {
	err = c.doJSON(ctx, call{method: http.MethodGet, path: api.PathV1View}, &status)
	return status, err
}

// PutView puts a view to the node. It waits until the node is ready to serve the
// view, or the node's bound runs out.
func (c *Client) PutView(ctx context.Context, request api.ViewRequest) (api.ViewAnswer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return api.ViewAnswer{}, fmt.Errorf("put view: %w", err)
	}
	var answer api.ViewAnswer
	err = c.doJSON(ctx, call{method: http.MethodPut, path: api.PathView, body: body}, &answer)
	return answer, err
}

// TellView puts a view to the node on v1. The node answers within limit, or within
// its own bound if limit is zero. The answer says whether the node serves the view.
func (c *Client) TellView(ctx context.Context, request api.ViewRequest, limit time.Duration) (api.ViewAnswer, error) {
	path := api.PathV1View
	if limit > 0 {
		path += "?" + api.QueryTimeout + "=" + limit.String()
	}
	var answer api.ViewAnswer
	err := c.putJSON(ctx, path, request, &answer)
	return answer, err
}

// CheckView asks the node how the members would take a view. It changes nothing.
func (c *Client) CheckView(ctx context.Context, request api.ViewRequest) (api.ViewCheck, error) {
	var check api.ViewCheck
	err := c.putJSON(ctx, api.PathV1View+"?"+api.QueryDryRun+"=true", request, &check)
	return check, err
}

// putJSON sends a document with PUT. The answer is 200 or 202.
func (c *Client) putJSON(ctx context.Context, path string, document, into any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("PUT %s: %w", path, err)
	}
	return c.doJSON(ctx, call{method: http.MethodPut, path: path, body: body}, into)
}

// PutData writes a key of the default bucket. The answer is 201 for a new key,
// 200 for one that existed.
func (c *Client) PutData(ctx context.Context, key, value string) (*Answer, error) {
	body, _ := api.AppendValue(nil, []byte(value))
	call := call{method: http.MethodPut, path: api.DataPath(key), body: body}
	res, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return readAnswer(call, res, http.StatusOK, http.StatusCreated)
}

// GetData reads a key of the default bucket. The answer is 200 or 404.
func (c *Client) GetData(ctx context.Context, key string) (*Answer, error) {
	call := call{method: http.MethodGet, path: api.DataPath(key)}
	res, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	answer, err := readAnswer(call, res, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return answer, err
	}
	if answer.Status == http.StatusNotFound {
		answer.Value = nil
		return answer, nil
	}
	if answer.Value, err = api.ParseValue(answer.Value); err != nil {
		return nil, fmt.Errorf("get %s: read the answer: %w", call.path, err)
	}
	return answer, nil
}

// DeleteData deletes a key of the default bucket. The answer is 200, or 404 when
// there was nothing to delete.
func (c *Client) DeleteData(ctx context.Context, key string) (*Answer, error) {
	call := call{method: http.MethodDelete, path: api.DataPath(key)}
	res, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return readAnswer(call, res, http.StatusOK, http.StatusNotFound)
}

// AllData reads all keys of the default bucket at one moment. next is the number of
// the next write after that moment.
func (c *Client) AllData(ctx context.Context) (data map[string]string, next uint64, err error) {
	call := call{method: http.MethodGet, path: api.PathData}
	res, err := c.do(ctx, call)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, 0, statusError(call, res)
	}
	if next, err = strconv.ParseUint(res.Header.Get(api.HeaderMsgNum), 10, 64); err != nil {
		return nil, 0, fmt.Errorf("get %s: %s: %w", call.path, api.HeaderMsgNum, err)
	}
	if err := json.NewDecoder(res.Body).Decode(&data); err != nil {
		return nil, 0, fmt.Errorf("get %s: read the answer: %w", call.path, err)
	}
	drain(res)
	return data, next, nil
}
