package hashing

import (
	"fmt"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The picture in the repository is written by go test ./hashing -run Picture
// -update -lists 400. With fewer lists the lines are ragged, and the picture goes
// to the tests' artifact directory.
const (
	picture      = "../docs/slots.png"
	pictureLists = 400
	resolution   = 130 // dots an inch
)

// The two ways to assign slots, as the legend names them.
const (
	ours   = "cohort"
	points = "ring of 100 MD5 points"
)

var (
	blue   = color.NRGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	orange = color.NRGBA{R: 0xd9, G: 0x6b, B: 0x0b, A: 0xff}
	grey   = color.NRGBA{R: 0x70, G: 0x70, B: 0x70, A: 0xff}
)

// chart is a plot that knows its lines.
type chart struct {
	*plot.Plot
	lines map[string]plotter.XYs
	limit float64 // what is promised of cohort, as drawn
}

// TestThePictureShowsEveryFigureAndThePromises draws the figures. testdata/figures.txt holds the
// values themselves; a picture may differ in a pixel.
func TestThePictureShowsEveryFigureAndThePromises(t *testing.T) {
	file := filepath.Join(t.ArtifactDir(), filepath.Base(picture))
	if *update && *lists >= pictureLists {
		file = picture
	}
	// gonum's logarithmic axis puts its label beside the picture.
	logarithmic := math.Log10
	spread := panel(t, "How uneven: the shard furthest from the mean", "distance from the mean, %",
		func(f float64) float64 { return logarithmic(100 * f) }, func(f figures) figure { return f.spread })
	limit(t, spread, logarithmic(1), "promised: at most 1 %")
	scale(spread, logarithmic, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
	spread.Legend.YOffs = -vg.Points(63) // between the two ways, where there is no line

	linear := func(f float64) float64 { return f }
	moved := panel(t, "How much moves: a shard is added or removed", "slots that change owners, in 1/N of all",
		linear, func(f figures) figure { return f.moved })
	moved.Legend = plot.NewLegend() // the other plot has the same legend
	moved.Legend.Top, moved.Legend.YOffs = true, -vg.Points(8)
	limit(t, moved, 1.2, "promised: at most 1.2/N")
	scale(moved, linear, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5)
	spread.check(t)
	moved.check(t)
	save(t, file, spread, moved)
	checkSize(t, file)
}

// check holds what a reader of a plot relies on: each line has a point for each number of
// shards, no point is beyond the axes, where it would not be seen, and the lines of cohort are
// within the limit. More lists than usual may break the promise by chance.
func (c *chart) check(t *testing.T) {
	t.Helper()
	worst := fmt.Sprintf(", worst of %d", *lists)
	for _, name := range []string{ours + worst, ours + ", median", points + worst, points + ", median"} {
		line := c.lines[name]
		if len(line) != most-1 || line[0].X != 2 || line[len(line)-1].X != most {
			t.Errorf("%s: %q has points %v", c.Title.Text, name, line)
		}
		for _, p := range line {
			if promised() && (p.Y < c.Y.Min || p.Y > c.Y.Max) {
				t.Errorf("%s: %q has %.3f at %g shards, beyond the axis from %.3f to %.3f", c.Title.Text, name, p.Y, p.X, c.Y.Min, c.Y.Max)
			}
		}
	}
	for i, p := range c.lines[ours+worst] {
		if promised() && p.Y > c.limit || p.Y < c.lines[ours+", median"][i].Y {
			t.Errorf("%s: at %g shards the worst of cohort is at %.3f, the limit at %.3f", c.Title.Text, p.X, p.Y, c.limit)
		}
	}
}

// checkSize reads the picture that was written: two plots of 14 cm by 10 cm, at 130 dots an inch.
func checkSize(t *testing.T, file string) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	got, err := png.DecodeConfig(in)
	if err != nil {
		t.Fatal(err)
	}
	dots := func(centimeters float64) int { return int(math.Round(centimeters / 2.54 * resolution)) }
	if got.Width != dots(28) || got.Height != dots(10) {
		t.Errorf("the picture has %d × %d dots, want %d × %d", got.Width, got.Height, dots(28), dots(10))
	}
}

// panel draws a median line and a worst line for both ways to assign slots.
func panel(t *testing.T, title, y string, scale func(float64) float64, of func(figures) figure) *chart {
	t.Helper()
	p, ticks := &chart{Plot: plot.New(), lines: map[string]plotter.XYs{}}, plot.ConstantTicks{}
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "number of shards, N", y
	p.Title.Padding = vg.Points(6)
	for _, n := range []int{2, 4, 8, 12, 16, 20, 24} {
		ticks = append(ticks, plot.Tick{Value: float64(n), Label: fmt.Sprint(n)})
	}
	p.X.Tick.Marker = ticks
	p.Add(plotter.NewGrid())
	p.Legend.Top, p.Legend.Padding = true, vg.Points(3)
	for _, way := range []struct {
		name  string
		all   [most + 1]figures
		color color.Color
	}{
		{points, measured().points, orange},
		{ours, measured().ours, blue},
	} {
		var median, worst plotter.XYs
		for n := 2; n <= most; n++ {
			f := of(way.all[n])
			median = append(median, plotter.XY{X: float64(n), Y: scale(f.median())})
			worst = append(worst, plotter.XY{X: float64(n), Y: scale(f.worst())})
		}
		p.lines[fmt.Sprintf("%s, worst of %d", way.name, *lists)], p.lines[way.name+", median"] = worst, median
		line(t, p.Plot, fmt.Sprintf("%s, worst of %d", way.name, *lists), worst, way.color, vg.Points(3), vg.Points(2))
		line(t, p.Plot, way.name+", median", median, way.color)
	}
	return p
}

func line(t *testing.T, p *plot.Plot, name string, xys plotter.XYs, c color.Color, dashes ...vg.Length) {
	t.Helper()
	l, err := plotter.NewLine(xys)
	if err != nil {
		t.Fatal(err)
	}
	l.LineStyle = vgdraw.LineStyle{Color: c, Width: vg.Points(1.5), Dashes: dashes}
	p.Add(l)
	p.Legend.Add(name, l)
}

func limit(t *testing.T, c *chart, y float64, name string) {
	t.Helper()
	c.limit = y
	line(t, c.Plot, name, plotter.XYs{{X: 2, Y: y}, {X: most, Y: y}}, grey, vg.Points(6), vg.Points(3))
}

// scale marks a plot's y axis from the first value to the last.
func scale(p *chart, scale func(float64) float64, at ...float64) {
	var ticks plot.ConstantTicks
	for _, v := range at {
		ticks = append(ticks, plot.Tick{Value: scale(v), Label: fmt.Sprint(v)})
	}
	p.Y.Tick.Marker, p.Y.Min, p.Y.Max = ticks, scale(at[0]), scale(at[len(at)-1])
}

// save draws plots side by side.
func save(t *testing.T, file string, charts ...*chart) {
	t.Helper()
	var plots []*plot.Plot
	for _, c := range charts {
		plots = append(plots, c.Plot)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(vg.Length(len(plots))*14*vg.Centimeter, 10*vg.Centimeter), vgimg.UseDPI(resolution))
	tiles := vgdraw.Tiles{Rows: 1, Cols: len(plots), PadX: vg.Centimeter, PadTop: vg.Points(8), PadRight: vg.Points(12), PadLeft: vg.Points(4), PadBottom: vg.Points(4)}
	for i, c := range plot.Align([][]*plot.Plot{plots}, tiles, vgdraw.New(canvas))[0] {
		plots[i].Draw(c)
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
