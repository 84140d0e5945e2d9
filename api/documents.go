package api

// Metadata describes a key without its value: an entry of a list, and the answer
// to a GET that accepts nothing but JSON. A key that is not UTF-8 is given in
// KeyBase64 alone.
type Metadata struct {
	Key         string `json:"key,omitempty"`
	KeyBase64   []byte `json:"key_b64,omitempty"`
	ETag        string `json:"etag"`
	Version     uint64 `json:"version"` // Msg-Num of the write that made the value; of a causal bucket, the version's counter
	Size        int    `json:"size"`    // bytes
	ContentType string `json:"content_type"`
}

// Name is the key, however it was written.
func (m Metadata) Name() string {
	if m.Key == "" {
		return string(m.KeyBase64)
	}
	return m.Key
}

// List is one page of a bucket's keys, in order of their bytes. A page is the
// state at one moment. Going on from Next, a key that exists throughout is seen
// exactly once; one that comes or goes meanwhile may be seen or not.
//
// Of a causal bucket it has the keys of the node's own shard, in an order that says
// nothing and stays.
type List struct {
	Shard *string    `json:"shard,omitempty"` // whose keys these are, if the view has shards
	Items []Metadata `json:"items"`
	Next  string     `json:"next,omitempty"` // cursor of the next page; empty: this was the last
}

// Place says where a key lives, by the view that the node holds. Strong keys live
// at every member; the slot and its shard are those of causal ones.
type Place struct {
	Key       string   `json:"key,omitempty"`
	KeyBase64 []byte   `json:"key_b64,omitempty"` // instead, when it is not UTF-8
	Slot      uint32   `json:"slot"`
	Slots     int      `json:"slots"` // how many there are
	Shard     *string  `json:"shard"` // null: nobody owns the slot; "" in a view without shards
	Members   []Member `json:"members"`
	Primary   *uint64  `json:"primary"` // of strong buckets; null: the view has no members
	Number    uint64   `json:"number"`  // of the view; 0: none
}

// Cluster is what a node shows of itself and its view.
type Cluster struct {
	Node       uint64  `json:"node"`
	View       View    `json:"view"`
	Number     uint64  `json:"number"` // of the view; 0: none
	Member     bool    `json:"member"`
	LeftBehind bool    `json:"left_behind"`      // its members went on without this node
	Serving    bool    `json:"serving"`          // answers strong requests at once: nobody is waited for
	Primary    *uint64 `json:"primary"`          // null: not a member
	Ballot     *Ballot `json:"ballot"`           // null: none yet
	Waiting    []Wait  `json:"waiting"`          // members that strong requests wait for
	Reason     string  `json:"reason,omitempty"` // why it does not serve
	Bus        string  `json:"bus,omitempty"`    // why the node has no bus
	Causal     Causal  `json:"causal"`
	Holds      Holds   `json:"holds"`
	Started    string  `json:"started"` // when the process began to serve; RFC 3339

	Log     *Log        `json:"log"`     // null: the node did not say in time
	Members []MemberLag `json:"members"` // the others of the view; null: likewise
}

// Holds is how much a node has in memory.
type Holds struct {
	Keys       int   `json:"keys"`              // of strong buckets
	CausalKeys int   `json:"causal_keys"`       // with a value
	Tombstones int   `json:"causal_tombstones"` // deleted keys that must be remembered
	Bytes      int64 `json:"bytes"`             // all of it, as --max-bytes counts
}

// Log is how far a node's log of strong writes is in its ballot.
type Log struct {
	Position  uint64 `json:"position"`
	Committed uint64 `json:"committed"` // up to here
}

// MemberLag is how far a node and another member are behind each other, as far as the
// node knows.
type MemberLag struct {
	ID     uint64     `json:"id"`
	Silent *float64   `json:"silent_seconds"` // since it greeted last; null: not in this view
	Log    *uint64    `json:"log_position"`   // null: not known; the primary knows
	Causal *CausalLag `json:"causal"`         // null: it is of another shard
}

// CausalLag counts writes of one view to causal buckets.
type CausalLag struct {
	Missing        uint64 `json:"missing"`        // its own, known of and not here
	Unacknowledged uint64 `json:"unacknowledged"` // the node's, which it has not acknowledged
}

// Causal is what a node shows of its part in causal buckets.
type Causal struct {
	Serving bool           `json:"serving"`          // answers requests, for its slots and by way of others
	Ready   bool           `json:"ready"`            // has all slots that it owns
	Reason  string         `json:"reason,omitempty"` // why it is not ready, for people
	Owned   int            `json:"slots_owned"`
	Other   int            `json:"slots_for_others"` // held, and not taken by their owners yet
	Slots   int            `json:"slots"`            // how many there are
	Shards  map[string]int `json:"shards"`           // how many of them each shard owns
	Waiting []ShardWait    `json:"waiting"`          // shards of which no member is heard
}

// Ballot is the round of its view that a node's history stands in.
type Ballot struct {
	View  uint64 `json:"view"`
	Round uint64 `json:"round"`
}

// Health is the body of a healthy answer of /livez and /readyz.
type Health struct {
	Status string `json:"status"` // "ok"
	Model  string `json:"model,omitempty"`
	Reason string `json:"reason,omitempty"` // some requests wait all the same: which
}
