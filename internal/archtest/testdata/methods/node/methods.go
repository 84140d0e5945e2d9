package node

// many has one method more than the bound.
type many struct{}

func (*many) m0()  {}
func (*many) m1()  {}
func (*many) m2()  {}
func (*many) m3()  {}
func (*many) m4()  {}
func (*many) m5()  {}
func (*many) m6()  {}
func (*many) m7()  {}
func (*many) m8()  {}
func (*many) m9()  {}
func (*many) m10() {}
func (*many) m11() {}
func (*many) m12() {}
func (*many) m13() {}
func (*many) m14() {}
func (*many) m15() {}
func (*many) m16() {}
func (*many) m17() {}
func (*many) m18() {}
func (*many) m19() {}
func (*many) m20() {}
func (*many) m21() {}
func (*many) m22() {}
func (*many) m23() {}
func (*many) m24() {}
func (*many) m25() {}
func (*many) m26() {}
func (*many) m27() {}
func (*many) m28() {}
func (*many) m29() {}
func (*many) m30() {}
func (*many) m31() {}
func (*many) m32() {}
func (*many) m33() {}
func (*many) m34() {}
func (*many) m35() {}
func (*many) m36() {}
func (*many) m37() {}
func (*many) m38() {}
func (*many) m39() {}
func (*many) m40() {}
func (*many) m41() {}
func (*many) m42() {}
func (*many) m43() {}
func (*many) m44() {}
func (*many) m45() {} // want: has more than 45 methods

// enough has as many as are allowed.
type enough[T any] struct{ of T }

func (enough[T]) m0()  {}
func (enough[T]) m1()  {}
func (enough[T]) m2()  {}
func (enough[T]) m3()  {}
func (enough[T]) m4()  {}
func (enough[T]) m5()  {}
func (enough[T]) m6()  {}
func (enough[T]) m7()  {}
func (enough[T]) m8()  {}
func (enough[T]) m9()  {}
func (enough[T]) m10() {}
func (enough[T]) m11() {}
func (enough[T]) m12() {}
func (enough[T]) m13() {}
func (enough[T]) m14() {}
func (enough[T]) m15() {}
func (enough[T]) m16() {}
func (enough[T]) m17() {}
func (enough[T]) m18() {}
func (enough[T]) m19() {}
func (enough[T]) m20() {}
func (enough[T]) m21() {}
func (enough[T]) m22() {}
func (enough[T]) m23() {}
func (enough[T]) m24() {}
func (enough[T]) m25() {}
func (enough[T]) m26() {}
func (enough[T]) m27() {}
func (enough[T]) m28() {}
func (enough[T]) m29() {}
func (enough[T]) m30() {}
func (enough[T]) m31() {}
func (enough[T]) m32() {}
func (enough[T]) m33() {}
func (enough[T]) m34() {}
func (enough[T]) m35() {}
func (enough[T]) m36() {}
func (enough[T]) m37() {}
func (enough[T]) m38() {}
func (enough[T]) m39() {}
func (enough[T]) m40() {}
func (enough[T]) m41() {}
func (enough[T]) m42() {}
func (enough[T]) m43() {}
func (enough[T]) m44() {}
