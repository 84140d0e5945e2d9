package fault

import (
	"context"
	"fmt"
	"slices"
)

// operate carries out an operator action.
func (r *run) operate(ctx context.Context, f Fault) error {
	ctx, cancel := context.WithTimeout(ctx, viewPatience)
	defer cancel()
	switch f.Action {
	case Kill:
		return r.target.Kill(f.Nodes[0])
	case Restart:
		return r.target.Restart(ctx, f.Nodes[0])
	case View:
		return r.target.PutView(ctx, f.Nodes...)
	case Shards:
		return r.target.PutShards(ctx, f.Shards...)
	case Shrink:
		return shrink(ctx, r.target, f.Nodes[0])
	case Grow:
		return grow(ctx, r.target, f.Nodes[0])
	}
	return killPrimary(ctx, r.target)
}

// killPrimary kills the node with the lowest id of the view, and puts a view of the others
// to them.
func killPrimary(ctx context.Context, target Target) error {
	members := target.Members()
	if len(members) < 2 {
		return fmt.Errorf("the view %v has no survivors", members)
	}
	primary := slices.Min(members)
	if err := target.Kill(primary); err != nil {
		return err
	}
	return shrink(ctx, target, primary)
}

func shrink(ctx context.Context, target Operator, node int) error {
	members := target.Members()
	i := slices.Index(members, node)
	if i < 0 || len(members) == 1 {
		return fmt.Errorf("the view %v has no node %d beside others", members, node)
	}
	return target.PutView(ctx, slices.Delete(members, i, i+1)...)
}

func grow(ctx context.Context, target Operator, node int) error {
	members := target.Members()
	if slices.Contains(members, node) {
		return fmt.Errorf("node %d is in the view %v", node, members)
	}
	members = append(members, node)
	slices.Sort(members)
	return target.PutView(ctx, members...)
}
