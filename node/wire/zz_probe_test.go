package wire
import ("testing";"os";"strconv";"strings")
func TestProbe(t *testing.T){
 fs,_:=os.ReadDir("testdata/fuzz/FuzzDecode")
 for _,f:=range fs { b,_:=os.ReadFile("testdata/fuzz/FuzzDecode/"+f.Name())
  l:=strings.Split(string(b),"\n")[1]; s,err:=strconv.Unquote(strings.TrimSuffix(strings.TrimPrefix(l,"[]byte("),")"))
  h,m,e:=DecodeMessage(seal([]byte(s))); t.Logf("%s %v: %+v %+v %v",f.Name(),err,h,m,e)}
}
