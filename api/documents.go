package api

// Metadata describes a key without its value. It is an entry of a list, and the
// answer to a GET that accepts only JSON. A key that is not UTF-8 is given in
// KeyBase64 only.
type Metadata struct {
	Key         string `json:"key,omitempty"`
	KeyBase64   []byte `json:"key_b64,omitempty"`
	ETag        string `json:"etag"`
	Version     uint64 `json:"version"` // Msg-Num of the write that made the value; in a causal bucket, the counter of the version
	Size        int    `json:"size"`    // bytes of the value
	ContentType string `json:"content_type"`
}

// Name is the key, in whichever member it was given.
func (m Metadata) Name() string {
	if m.Key == "" {
		return string(m.KeyBase64)
	}
	return m.Key
}

// List is one page of a bucket's keys, in the order of their bytes. A page is the
// state at one moment. A client that continues from Next sees every key that exists
// throughout exactly once. A key that is created or deleted meanwhile may be
// missing.
//
// For a causal bucket, it has the keys of the node's own shard. Their order never
// changes, but is not that of their bytes.
type List struct {
	Shard *string    `json:"shard,omitempty"` // the shard of these keys, if the view has shards
	Items []Metadata `json:"items"`
	Next  string     `json:"next,omitempty"` // cursor of the next page; empty: this is the last page
}

// Place says where a key lives in the node's view. A strong key lives at every
// member. Slot and Shard are those of a causal key.
type Place struct {
	Key       string   `json:"key,omitempty"`
	KeyBase64 []byte   `json:"key_b64,omitempty"` // the key, if it is not UTF-8
	Slot      uint32   `json:"slot"`
	Slots     int      `json:"slots"` // number of slots
	Shard     *string  `json:"shard"` // null: no shard owns the slot; "" in a view without shards
	Members   []Member `json:"members"`
	Primary   *uint64  `json:"primary"` // of strong buckets; null: the view has no members
	Number    uint64   `json:"number"`  // of the view; 0: none
}

// Cluster is a node's description of itself and its view.
type Cluster struct {
	Node       uint64  `json:"node"`
	View       View    `json:"view"`
	Number     uint64  `json:"number"` // of the view; 0: none
	Member     bool    `json:"member"`
	LeftBehind bool    `json:"left_behind"`      // the view's members continued without this node
	Serving    bool    `json:"serving"`          // answers strong requests at once, without waiting for a member
	Primary    *uint64 `json:"primary"`          // null: not a member
	Ballot     *Ballot `json:"ballot"`           // null: none yet
	Waiting    []Wait  `json:"waiting"`          // members that strong requests wait for
	Reason     string  `json:"reason,omitempty"` // why it does not serve
	Bus        string  `json:"bus,omitempty"`    // why the node has no bus; empty: it has one
	Causal     Causal  `json:"causal"`
	Holds      Holds   `json:"holds"`
	Started    string  `json:"started"` // when the process began to serve; RFC 3339

	Log     *Log        `json:"log"`     // null: not known in time
	Members []MemberLag `json:"members"` // the others of the view; null: likewise
}

// Holds is how much a node has in memory.
type Holds struct {
	Keys       int   `json:"keys"`              // of strong buckets
	CausalKeys int   `json:"causal_keys"`       // keys with a value
	Tombstones int   `json:"causal_tombstones"` // deleted keys that must still be remembered
	Bytes      int64 `json:"bytes"`             // bytes of all keys and values, as --max-bytes counts
}

// Log is the position of a node's log of strong writes in its ballot.
type Log struct {
	Position  uint64 `json:"position"`
	Committed uint64 `json:"committed"` // entries up to this position are committed
}

// MemberLag is how far a node and another member are behind each other, as the node
// knows it.
type MemberLag struct {
	ID     uint64     `json:"id"`
	Silent *float64   `json:"silent_seconds"` // since the member's last hello; null: none in this view
	Log    *uint64    `json:"log_position"`   // position of the member's log; null: unknown (only the primary knows it)
	Causal *CausalLag `json:"causal"`         // null: the member is of another shard
}

// CausalLag counts writes of one view to causal buckets.
type CausalLag struct {
	Missing        uint64 `json:"missing"`        // writes of the member that the node knows of and lacks
	Unacknowledged uint64 `json:"unacknowledged"` // writes of the node that the member has not acknowledged
}

// Causal is a node's description of its part in causal buckets.
type Causal struct {
	Serving bool           `json:"serving"`          // answers requests, for its own slots and through other nodes
	Ready   bool           `json:"ready"`            // has the data of all slots that it owns
	Reason  string         `json:"reason,omitempty"` // why it is not ready, for people
	Owned   int            `json:"slots_owned"`
	Other   int            `json:"slots_for_others"` // slots that it holds for owners that have not acknowledged them
	Slots   int            `json:"slots"`            // number of slots
	Shards  map[string]int `json:"shards"`           // slots that each shard owns, by the shard's name
	Waiting []ShardWait    `json:"waiting"`          // shards without a member that the node hears
}

// Ballot is the round of its view to which a node's history belongs.
type Ballot struct {
	View  uint64 `json:"view"`
	Round uint64 `json:"round"`
}

// Health is the body of a healthy answer of /livez and /readyz.
type Health struct {
	Status string `json:"status"` // "ok"
	Model  string `json:"model,omitempty"`
	Reason string `json:"reason,omitempty"` // which requests wait all the same; empty: none
}
