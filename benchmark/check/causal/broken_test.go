package causal

// wrong is a history that breaks exactly one rule.
type wrong struct {
	name  string
	story string
	rule  Rule   // the rule that is broken if versions are known
	says  string // part of the report
	blind Rule   // the rule without versions; "": none
}

var broken = []wrong{
	{"a session does not see what it wrote", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		r  get x 1 1@0 < w2`,
		ReadYourWrites, "#1 c1 put", ReadYourWrites},
	{"a session does not see what it wrote, but nothing", `
		w put x 1 1@0
		r get x - < w`,
		ReadYourWrites, "WriteCOInitRead", ReadYourWrites},
	{"a session goes back", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		r1 get x 2 2@0
		r2 get x 1 1@0 < r1`,
		MonotonicReads, "WriteCORead", MonotonicReads},
	{"a session goes back to a concurrent write", `
		w1 put x 1 1@1
		w2 put x 2 1@0
		r1 get x 2 1@0
		r2 get x 1 1@1 < r1`,
		MonotonicReads, "(I14)", ""},
	{"another session's writes come out of order", `
		x1 put x 1 1@0
		x2 put x 2 2@0 < x1
		y  put y 3 1@0 < x2
		r1 get y 3 1@0
		r2 get x 1 1@0 < r1`,
		MonotonicWrites, "", MonotonicWrites},
	{"a session's writes to a key are ordered the other way", `
		w1 put x 1 2@0
		w2 put x 2 1@0 < w1`,
		MonotonicWrites, "I13", ""},
	{"an answer comes before the question", `
		q  put q 1 1@0
		r1 get q 1 1@0
		a  put a 2 1@0 < r1
		r2 get a 2 1@0
		r3 get q - < r2`,
		WritesFollowReads, "", WritesFollowReads},
	{"a write is not above what its session read", `
		w1 put x 1 2@0
		r  get x 1 2@0
		w2 put x 2 1@0 < r`,
		WritesFollowReads, "I13", ""},
	{"a long way to a read", `
		x1 put x 1 1@0
		x2 put x 2 2@0 < x1
		y  put y 3 1@0 < x2
		ry get y 3 1@0
		z  put z 4 1@0 < ry
		rz get z 4 1@0
		rx get x 1 1@0 < rz`,
		CausalRead, "", CausalRead},
	{"a long way to a write", `
		x  put x 1 2@0
		y  put y 3 1@0 < x
		ry get y 3 1@0
		x2 put x 2 1@0 < ry`,
		VersionOrder, "", ""},
	{"a delete is not seen", `
		w put x 1 1@0
		d del x 2@0 < w
		r get x 1 1@0 < d`,
		ReadYourWrites, "", ReadYourWrites},
	{"a 404 below the context", `
		w  put x 1 1@0
		d  del x 2@0 < w
		w2 put x 2 3@0 < d
		r  get x - 2@0 < w2`,
		ReadYourWrites, "", ReadYourWrites},
	{"a value out of nowhere", `
		r get x 1 1@0`,
		ThinAir, "nobody wrote", ThinAir},
	{"a value of another key", `
		w put y 1 1@0
		r get x 1 1@0`,
		ThinAir, "another key", ThinAir},
	{"a value that was refused", `
		w put x 1 !
		r get x 1 1@0`,
		ThinAir, "refused", ThinAir},
	{"a value from the future", `
		r get x 1 1@0
		w put x 1 1@0`,
		ThinAir, "before what it read began", ThinAir},
	{"a tombstone out of nowhere", `
		r get x - 1@0`,
		ThinAir, "nobody can have written", ""},
	{"a circle", `
		rx get x 1 1@0 @0-9
		wy put y 2 1@0 @9-9 < rx
		ry get y 2 1@0 @0-9
		wx put x 1 1@0 @9-9 < ry`,
		CausalCycle, "CyclicCO", CausalCycle},
	{"two writes with one version", `
		w1 put x 1 1@0/a
		w2 put x 2 1@0/a`,
		BadVersion, "two writes", ""},
	{"two writes with one dot", `
		w1 put x 1 1@0/a
		w2 put y 2 2@0/a`,
		BadVersion, "one dot", ""},
	{"two writes of one key with one dot", `
		w1 put x 1 1@0/a
		w2 put x 2 2@0/a`,
		BadVersion, "one dot", ""},
	{"one value with two versions", `
		w put x 1 1@0
		r get x 1 2@0`,
		BadVersion, "version 2@0 of what has version 1@0", ""},
	{"an unknown write that was read with two versions", `
		w  put x 1 ?
		r1 get x 1 1@0
		r2 get x 1 2@0`,
		BadVersion, "", ""},
	{"the version of a value without it", `
		w put x 1 1@0
		r get x - 1@0`,
		BadVersion, "", ""},
	{"replicas differ", `
		w1 put x 1 1@0
		w2 put x 2 1@1
		final 0 x 1 1@0
		final 1 x 2 1@1`,
		Divergence, "replica 1", Divergence},
	{"a replica has nothing", `
		w put x 1 1@0
		final 0 x 1 1@0
		final 1 x -`,
		Divergence, "", Divergence},
	{"a deleted key is back", `
		w put x 1 1@0
		d del x 2@0 < w
		final 0 x 1 1@0
		final 1 x 1 1@0`,
		Resurrected, "I19", Resurrected},
	{"an acknowledged write is gone", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		final 0 x 1 1@0`,
		LostWrite, "I25", LostWrite},
	{"all is gone", `
		w put x 1 1@0
		final 0 x -`,
		LostWrite, "", LostWrite},
	{"a write that was read is gone", `
		w put x 1 ?
		r get x 1 1@0
		final 0 x -`,
		LostWrite, "", LostWrite},
	{"a delete hides a later write at the end", `
		d del x 1@0
		w put x 1 2@0 < d
		final 0 x - 1@0`,
		LostWrite, "", LostWrite},
	{"nobody looked at a key at the end", `
		w put x 1 1@0
		v put y 2 1@0
		final 0 x 1 1@0`,
		Malformed, "", Malformed},
	{"a parent without an answer", `
		w put x 1 ?
		r get x - < w`,
		Malformed, "", Malformed},
	{"a context from the future", `
		w put x 1 1@0 @5-9
		r get x 1 1@0 @6-7 < w`,
		Malformed, "", Malformed},
	{"two puts of one value", `
		w1 put x 1 1@0
		w2 put x 1 2@0`,
		Malformed, "", Malformed},
	{"readers disagree on which of two writes wins", `
		a  put x 1 1@1
		b  put x 2 1@0
		r1 get x 1 1@1
		r2 get x 2 1@0 < r1
		s1 get x 2 1@0
		s2 get x 1 1@1 < s1`,
		MonotonicReads, "", KeyOrder},
	{"readers disagree on the order of three", `
		a  put x 1 1@0
		b  put x 2 2@0
		c  put x 3 3@0
		r1 get x 1 1@0
		r2 get x 2 2@0 < r1
		s1 get x 2 2@0
		s2 get x 3 3@0 < s1
		t1 get x 3 3@0
		t2 get x 1 1@0 < t1`,
		MonotonicReads, "", KeyOrder},
	{"a get finds the key deleted, and it is back without a write", `
		w put x 1 1@0
		d del x ?
		r get x - < w
		final 0 x 1 1@0`,
		ReadYourWrites, "no delete explains", Resurrected},
	{"the delete that explains a 404 is above what is there at the end", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		d  del x ? < w2
		r  get x - < w1
		final 0 x 2 2@0`,
		ReadYourWrites, "", Resurrected},
	{"or is known to have a version above it", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		d  del x ? 9@0
		r  get x - < w1
		final 0 x 2 2@0`,
		ReadYourWrites, "", ""},
	{"a read and the end disagree on which of two writes wins", `
		a  put x 1 1@1
		b  put x 2 1@0
		r1 get x 1 1@1
		r2 get x 2 1@0 < r1
		final 0 x 1 1@1`,
		LostWrite, "", LostWrite},
	{"a delete that came later does not explain a 404", `
		w put x 1 1@0
		r get x - < w
		d del x 2@0 < r`,
		ReadYourWrites, "", ReadYourWrites},
	{"nor does one that begins as a consequence of it", `
		w put x 1 1@0
		r get x - @5-6 < w
		d del x 2@0 @6-7 < r`,
		ReadYourWrites, "", ReadYourWrites},
	{"nor one that is overwritten in the context", `
		d del x 1@0
		w put x 1 2@0 < d
		r get x - < w`,
		ReadYourWrites, "", ReadYourWrites},
	{"nor one that is known to have had a lower version", `
		u del x ?
		s get x - 1@0
		w put x 1 2@0
		r get x - < w`,
		ReadYourWrites, "", ""},
	{"two unknown deletes explain no third version", `
		u1 del x ?
		u2 del x ?
		r1 get x - 1@0
		r2 get x - 2@0
		r3 get x - 3@0`,
		ThinAir, "version 3@0", ""},
	{"two unknown deletes whose versions were seen explain nothing else", `
		u1 del x ?
		u2 del x ?
		r1 get x - 1@0
		r2 get x - 2@0
		w  put x 1 3@0
		r3 get x - < w`,
		ReadYourWrites, "", ""},
	{"nor in a key that is judged by values", `
		u1 del x ?
		u2 del x ?
		r1 get x - 1@0
		r2 get x - 2@0
		w  put x 1 < r1 r2
		r3 get x - < w`,
		ReadYourWrites, "", ""},
	{"two versions were seen when one delete had begun", `
		u1 del x ?
		r1 get x - 1@0
		r2 get x - 2@0
		u2 del x ?`,
		ThinAir, "nobody can have written", ""},
	{"two tombstones at the end of a key that is judged by values", `
		w  put x 1
		d1 del x 1@0 < w
		d2 del x 2@0 < d1
		final 0 x - 1@0
		final 1 x - 2@0`,
		Divergence, "", ""},
	{"a lost write excuses no other", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		w3 put x 3 3@0 < w2
		r  get x 1 1@0 < w3
		lost w3`,
		ReadYourWrites, "#1 c1 put", ReadYourWrites},
	{"what wins over a lost write is still owed", `
		w1 put x 1 1@0
		w2 put x 2 2@0 < w1
		lost w1
		final 0 x -`,
		LostWrite, "", LostWrite},
	{"an item of a listing is older than its context", `
		x1 put x 1 1@0
		x2 put x 2 2@0 < x1
		y  put y 3 1@0
		j  join @5-5 < x2 y
		i1 get x 1 1@0 @10-11 < j
		i2 get y 3 1@0 @10-11 < j
		l  join @11-11 < i1 i2`,
		ReadYourWrites, "", ReadYourWrites},
	{"a listing is remembered", `
		x1 put x 1 1@0
		x2 put x 2 2@0 < x1
		i1 get x 2 2@0 @10-11
		i2 get y - @10-11
		l  join @11-11 < i1 i2
		r  get x 1 1@0 @12-13 < l`,
		MonotonicReads, "", MonotonicReads},
	{"one of two joined contexts is forgotten", `
		a put x 1 1@0
		b put x 2 2@0
		j join < a b
		r get x 1 1@0 < j`,
		ReadYourWrites, "", ""},
	{"a forked context forgets nothing of before", `
		a  put x 1 1@0
		b  put x 2 2@0 < a
		c1 put y 3 1@0 < b
		c2 put y 4 1@1 < b
		r  get x 1 1@0 < c2`,
		ReadYourWrites, "", ReadYourWrites},
	{"the higher node wins a tie", `
		a put x 1 1@0
		b put x 2 1@1
		j join < a b
		r get x 2 1@1 < j`,
		ReadYourWrites, "", ""},
	{"an old tombstone at the end", `
		d1 del x 1@0
		d2 del x 2@0 < d1
		final 0 x - 1@0`,
		LostWrite, "", ""},
}
