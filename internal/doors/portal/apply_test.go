package portal

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
)

// counter seats the people who deal with applications.
func (h *house) counter() {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		v, err := h.org.CreateUnit(tx, h.operator(), org.UnitIn{Kind: org.Department, Code: "CA", Key: "civil_affairs", Name: both("民政"), Parent: h.units["H"], Calendar: "office", DutyCalendar: "office"})
		h.units["CA"] = v.ID
		return err
	})
	h.seat("clerk", "service_clerk", "P1", org.AtVillage, "P1")
	h.seat("reviewer", "service_reviewer", "S1", org.AtStreet, "S1")
	h.seat("payer", "service_payer", "S1", org.AtStreet, "S1")
	h.seat("leader", "street_leader", "S1", org.AtStreet, "S1")
	h.seat("civil", "department_leader", "CA", org.AtDepartment, "CA")
}

// applies fills in the form for an allowance: it opens it first, as everybody
// does.
func (b *browser) applies(set url.Values) url.Values {
	b.Helper()
	page := b.get("/apply/allowance/form")
	v := url.Values{
		"key": {page.hidden("key")}, "condition": {"ordinary"}, "village": {"P1"}, "agree": {"yes"}, "a_allowance": {"temporary"}, "a_applicant_name": {"演示申请人"},
		"a_id_number": {"370000190001010000"}, "a_phone": {"159-0000-0031"}, "a_household_size": {"2"}, "a_reason": {"演示理由：家里有人住院。"},
	}
	if v.Get("key") == "" {
		b.Fatalf("the form has no key: %d %s", page.status, page.body)
	}
	for k, s := range set {
		v[k] = s
	}
	return v
}

// key is that of the first form on a page.
func (a answer) key() string { return strings.Fields(a.hidden("key") + " -")[0] }

// acts lets a member of staff act on an application, which only the named see.
func (h *house) acts(who, number string, act casework.Act) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := h.desk.Move(tx, h.as(tx, who), h.caseOf(tx, number), act, nil)
		return err
	})
}

// sweeps lets the sweeper act once.
func (h *house) sweeps() {
	h.Helper()
	if _, err := h.desk.Sweep(h.ctx, h.db); err != nil {
		h.Fatal(err)
	}
}

// A resident learns what is needed and how long it takes, applies, is asked for
// what is missing, hands it in, sees the posting, the decision with its reason,
// and has it looked at again. All of it with forms and links alone.
func TestResidentApplies(t *testing.T) {
	each(t, plan{}, func(h *house) {
		h.counter()
		b := h.browser()
		b.shows(b.get("/"), 200, `href="/apply"`, "/postings")
		b.shows(b.get("/apply"), 200, "困难补助申请", "/apply/allowance", "儿童托管与学堂服务", "迁入迁出登记协助")
		b.hides(b.get("/apply"), "路灯", "日常巡查")
		about := b.get("/apply/allowance")
		b.shows(about, 200, "1 个工作日内，答复您材料齐不齐", "受理后 20 个工作日（法定期限）内，作出决定", "公示 7 日（法定期限）", "从受理的第二天算起", "身份证件号码", "就读学校", "有的情况要填", "本人签名", "单独同意")
		b.hides(b.get("/apply/child_room"), "未按时接走")
		b.shows(b.get("/apply/patrol"), 404, "没有这件事")

		form := b.get("/apply/allowance/form")
		b.shows(form, 200, "哪一种", "急难救助", `type="tel"`, `autocomplete="name"`, "收款账户末四位", "我同意")

		// Wrong in several places: named on top and beside each field, and nothing
		// that was typed is lost, papers included.
		bad := b.applies(url.Values{"a_household_size": {"两个人"}, "a_id_number": {""}, "a_allowance": {"student"}, "agree": nil, "village": {""}, "a_account_tail": {"12"}})
		refused := b.upload("/apply/allowance/form", bad, photo(t, 1))
		b.shows(refused, 422, "还没有交上去", `href="#q-household_size"`, "请只填数字", `href="#q-id_number"`, "这一项要填", `href="#q-student_school"`, "写法不对", `href="#village"`, `href="#agree"`,
			`id="q-id_number-wrong"`, "两个人", "演示理由：家里有人住院。", "已经收到 1 张", `value="student" checked`)
		if n := h.cases(); n != 0 {
			h.Fatalf("a wrong form made %d cases", n)
		}

		good := b.applies(url.Values{"key": {refused.key()}, "file": {refused.hidden("file")}})
		sent := b.upload("/apply/allowance/form", good, photo(t, 2))
		b.shows(sent, 200, "收到了", "私密链接", "预计", "答复您材料齐不齐", "看我的申请")
		number := sent.number()
		if number == "" || sent.link() == "" {
			h.Fatalf("no number or link: %s", sent.body)
		}
		// Sent again it is the same application; with other answers it is refused.
		if again := b.upload("/apply/allowance/form", good, photo(t, 2)); again.number() != number || h.cases() != 1 {
			h.Fatalf("sent twice: %d %s, %d cases", again.status, again.number(), h.cases())
		}
		other := url.Values{}
		for k, v := range good {
			other[k] = v
		}
		other.Set("a_reason", "改过的理由")
		b.shows(b.upload("/apply/allowance/form", other), 409, "已经交过了", number)

		p := h.page(number)
		if p.Case.Item != "allowance" || p.Case.State != casework.Submitted || len(p.Files) != 2 || p.Files[0].Kind != "other" || p.Reporter == nil || p.Reporter.Phone != "159****0031" {
			h.Fatalf("stored as %+v, %+v, %+v", p.Case, p.Files, p.Reporter)
		}
		if strings.Contains(fmt.Sprint(p.Form), "演示理由") || strings.Contains(p.Case.Title+p.Case.Text, "演示") {
			h.Fatalf("personal answers stand open: %s %s", p.Form, p.Case.Title)
		}
		b.shows(b.get("/"), 200, "交上来了，等受理")
		b.shows(b.get("/my/"+number), 200, "交上来了，等受理", "撤回申请", "您交的，等窗口看过")
		b.shows(h.browser().get("/my/"+number), 404, "没有找到")

		h.acts("clerk", number, casework.Act{Move: "accept"})
		b.shows(b.get("/my/"+number), 200, "受理了，等审核", "12月22日 17:30 前有决定", "为什么是这一天", "20 个工作日（法定期限）", "从受理的第二天算起")

		// Her papers are for whoever reviews them, and for nobody else beside the counter.
		for who, want := range map[string]bool{"reviewer": true, "clerk": true, "payer": false, "street": false} {
			h.must(h.db.Read(h.ctx, func(tx *db.Tx) error {
				if _, err := h.desk.FileFor(tx, h.as(tx, who), p.Files[0].ID); (err == nil) != want {
					h.Errorf("%s and the papers: %v", who, err)
				}
				return nil
			}))
		}

		// Papers are missing.
		h.acts("reviewer", number, casework.Act{Move: "correct", Reason: "correct_papers", Note: "内部：缺收入证明", ResidentText: "请补近三个月的收入证明"})
		mine := b.get("/my/" + number)
		b.shows(mine, 200, "请您补材料", "请补近三个月的收入证明", "最晚", "现在停表")
		b.hides(mine, "内部：")
		b.shows(b.get("/"), 200, "等您补材料")
		b.shows(b.upload("/my/"+number+"/supplement", url.Values{"key": {mine.key()}}), 422, "请写一句话，或者选一张照片")
		h.clock.Add(48 * time.Hour)
		papers := url.Values{"key": {mine.key()}, "supplement": {"证明在照片里"}}
		b.shows(b.upload("/my/"+number+"/supplement", papers, photo(t, 3)), 200, "收到了，接着办", "证明在照片里", "补材料和公示停表的时间，已经往后顺延")
		b.upload("/my/"+number+"/supplement", papers, photo(t, 3))
		if p = h.page(number); p.Case.State != casework.Accepted || len(p.Files) != 3 {
			h.Fatalf("after the papers %s with %d files", p.Case.State, len(p.Files))
		}
		b.shows(b.post("/my/"+number+"/supplement", papers), 200)

		// Reviewed and posted; what is posted tells no more than it must.
		h.acts("reviewer", number, casework.Act{Move: "review"})
		h.acts("reviewer", number, casework.Act{Move: "review", Result: casework.Pass, Note: "内部：符合条件"})
		b.shows(b.get("/my/"+number), 200, "正在审核")
		for _, leaks := range []string{"演示申请人，临时救助", "演**，15900000031，临时救助", "演**，370000190001010000"} {
			err := h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.Move(tx, h.as(tx, "reviewer"), h.caseOf(tx, number), casework.Act{Move: "publicise", Note: leaks}, nil)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "case.posting_personal") {
				h.Fatalf("posted %q: %v", leaks, err)
			}
		}
		h.acts("reviewer", number, casework.Act{Move: "publicise", Note: "演**，鹊山东社区，临时救助"})
		mine = b.get("/my/" + number)
		b.shows(mine, 200, "正在公示", "演**，鹊山东社区，临时救助", "公示到")
		stranger := h.browser()
		posted := stranger.get("/postings")
		stranger.shows(posted, 200, "困难补助申请", "演**，鹊山东社区，临时救助")
		stranger.hides(posted, number, "申请人", "1590000")
		link := regexp.MustCompile(`href="(/postings/[0-9a-f-]{36})"`).FindStringSubmatch(posted.body)[1]
		one := stranger.get(link)
		stranger.shows(one, 200, "提出异议", "不用留姓名")
		stranger.shows(stranger.post(link, url.Values{"key": {one.key()}}), 422, "请写哪里不对")
		objection := url.Values{"key": {one.key()}, "words": {"他家有三套房"}}
		stranger.shows(stranger.post(link, objection), 200, "收到了，会去核实")
		stranger.post(link, objection)
		if p = h.page(number); p.Case.Posting.Objections != 1 {
			h.Fatalf("pressed twice, objected %d times", p.Case.Posting.Objections)
		}
		b.hides(b.get("/my/"+number), "三套房") // the applicant does not read who said what

		// The objection does not hold; somebody else decides against it, with a reason.
		h.clock.Set(p.Case.Posting.Until.Add(time.Hour))
		h.sweeps()
		if p = h.page(number); p.Case.State != casework.Publicised {
			h.Fatalf("with an objection it went on by itself as %s", p.Case.State)
		}
		h.acts("reviewer", number, casework.Act{Move: "publicise", Result: casework.Pass, Note: "内部：异议不成立"})
		b.shows(stranger.get(link), 404)
		b.shows(b.get("/my/"+number), 200, "等决定")
		h.acts("civil", number, casework.Act{Move: "approve", Result: casework.Fail, Reason: "decline_rule", Note: "内部：收入超线", ResidentText: "月收入超过标准 200 元。"})
		mine = b.get("/my/" + number)
		b.shows(mine, 200, "没有批准", "对照条件逐条说明", "月收入超过标准 200 元。", "申请复核", "前申请复核一次")
		b.hides(mine, "内部：", "演示-", "岗位civil")
		b.shows(b.upload("/my/"+number+"/appeal", url.Values{"key": {mine.key()}}), 422, "请写哪里不同意")
		b.shows(b.upload("/my/"+number+"/appeal", url.Values{"key": {mine.key()}, "appeal": {"算进了别人的工资"}}, photo(t, 4)), 200, "由没有经手过的人重新看", "正在复核", "算进了别人的工资")
		h.acts("leader", number, casework.Act{Move: "appeal_decide", Result: casework.Fail, Note: "维持", Reason: "decline_rule", ResidentText: "复核后维持。"})
		mine = b.get("/my/" + number)
		b.shows(mine, 200, "没有批准", "复核后维持。", "行政复议")
		if strings.Contains(mine.body, `/appeal"`) {
			h.Fatal("it can be appealed twice")
		}
	})
}

// An application runs to its end, or is taken back; in English, with large type.
func TestApplicationIsGivenOrTakenBack(t *testing.T) {
	each(t, plan{demo: true}, func(h *house) {
		h.counter()
		h.seat("second", "service_reviewer", "S1", org.AtStreet, "S1")
		b := h.browser()
		b.lang = "en"
		b.get("/display?size=large&back=/apply/moving/form")
		form := b.get("/apply/moving/form")
		b.shows(form, 200, `data-size="large"`, "Moving in or out", `type="date"`, "Of these under 14")
		v := url.Values{"key": {form.key()}, "condition": {"in"}, "village": {"P1"}, "agree": {"yes"}, "a_direction": {"in"}, "a_name": {"演示住户"}, "a_phone": {"15900000032"},
			"a_moved_on": {"2026-11-20"}, "a_address": {"1 号楼"}, "a_people": {"3"}, "a_children_under_14": {"1"}, "a_tenure": {"own"}}
		b.shows(b.post("/apply/moving/form", v), 422, "Guardian agrees to state the number", "needed to apply")
		v.Set("a_guardian_consent", "yes")
		sent := b.post("/apply/moving/form", v)
		b.shows(sent, 200, "We have it", "See my application")
		number := sent.number()
		if p := h.page(number); !p.Case.MadeUp {
			h.Fatal("an application to the demo is not marked as made up")
		}
		for _, act := range []casework.Act{{Move: "accept"}, {Move: "review"}, {Move: "review", Result: casework.Pass, Note: "ok"}, {Move: "approve", Result: casework.Pass}} {
			h.acts(h.nameOf(h.page(number).Case.Post), number, act)
		}
		b.shows(b.get("/my/"+number), 200, "Approved", "It is being paid or handed over")
		h.acts("payer", number, casework.Act{Move: "give", Note: "登记完成", ResidentText: "已登记。", Evidence: []string{"consent"}})
		b.shows(b.get("/my/"+number), 200, "Done", "已登记。")

		w := b.applies(nil)
		second := b.post("/apply/allowance/form", w).number()
		mine := b.get("/my/" + second)
		b.shows(mine, 200, "Take the application back")
		b.shows(b.post("/my/"+second+"/withdraw", url.Values{"key": {mine.key()}, "reason": {"withdraw_mistake"}}), 200, "Taken back")
		b.shows(b.get("/my/"+second), 200, "It was stopped as you wished")
	})
}

// What a resident reports to the demo keeps the mark of being made up; to a real
// district it never has one.
func TestReportsToTheDemoAreMarked(t *testing.T) {
	for _, demo := range []bool{true, false} {
		each(t, plan{demo: demo}, func(h *house) {
			b := h.browser()
			number := b.upload("/report", b.report(nil)).number()
			if p := h.page(number); p.Case.MadeUp != demo {
				h.Fatalf("demo %v, marked %v", demo, p.Case.MadeUp)
			}
		})
	}
}

// How often one applies is bounded as for reports, and so are its papers.
func TestApplicationsAreBounded(t *testing.T) {
	each(t, plan{}, func(h *house) {
		h.counter()
		b := h.browser()
		b.get("/apply/allowance/form") // for the cookie by which browsers are told apart
		many := make([][]byte, maxPapers+1)
		for i := range many {
			many[i] = photo(t, uint8(i+1))
		}
		b.shows(b.upload("/apply/allowance/form", b.applies(nil), many...), 422, "最多 6 张照片", "演示理由")
		for range DefaultRates.ReportBrowser.Burst {
			b.shows(b.post("/apply/allowance/form", b.applies(nil)), 200)
		}
		b.shows(b.post("/apply/allowance/form", b.applies(nil)), 429, "太快了", "演示理由")
	})
}

// A schema that a plain form can't show is not guessed at, and fields keep the
// order of the schema.
func TestQuestionsOfASchema(t *testing.T) {
	some, ok, err := questionsOf(json.RawMessage(`{"properties":{"z":{"type":"string","title":"Z"},"a":{"type":"integer","title":"A"},
		"m":{"type":"array","items":{"type":"string","enum":["x","y"]},"title":"M"}},"required":["a"]}`), words.English)
	if err != nil || !ok || len(some) != 3 || some[0].property() != "z" || some[1].Kind != "number" || !some[1].Required || some[2].Kind != "several" {
		t.Fatalf("%+v %v %v", some, ok, err)
	}
	for i := range some {
		some[i].filled(url.Values{"a_z": {" two\r\nlines "}, "a_a": {"7"}, "a_m": {"y", "forged"}})
	}
	raw, err := answersOf(some)
	if err != nil || string(raw) != `{"a":7,"m":["y"],"z":"two\nlines"}` {
		t.Fatalf("%s %v", raw, err)
	}
	// An object is a group of fields; it is there when something of it is answered,
	// or has to be.
	some, ok, err = questionsOf(json.RawMessage(`{"properties":{"home":{"type":"object","title":"Home","properties":{"rooms":{"type":"integer","title":"Rooms"},
		"owner":{"type":"object","title":"Owner","properties":{"name":{"type":"string","title":"Name"}},"required":["name"]}},"required":["rooms"]},
		"second":{"type":"object","title":"Second","properties":{"b":{"type":"string","title":"B"},"c":{"type":"string","title":"C"}},"required":["b"]}},"required":["home"]}`), words.English)
	if err != nil || !ok || len(some) != 4 || some[0].Name != "a_home.rooms" || !some[0].Required || some[0].Opens[0] != "Home" || some[1].Name != "a_home.owner.name" || some[1].Required ||
		!some[1].Sometimes || len(some[1].Closes) != 2 || some[2].Required || !some[2].Sometimes || some[3].Sometimes || some[3].property() != "second.c" {
		t.Fatalf("%+v %v %v", some, ok, err)
	}
	for typed, want := range map[string]string{"": `{"home":{}}`, "a_home.rooms=3": `{"home":{"rooms":3}}`,
		"a_home.owner.name=x&a_second.c=y": `{"home":{"owner":{"name":"x"}},"second":{"c":"y"}}`} {
		v, err := url.ParseQuery(typed)
		if err != nil {
			t.Fatal(err)
		}
		for i := range some {
			some[i].filled(v)
		}
		if raw, err := answersOf(some); err != nil || string(raw) != want {
			t.Errorf("%q becomes %s, want %s: %v", typed, raw, want, err)
		}
	}
	for _, bad := range []string{
		`{"properties":{"a":{"type":"object","properties":{"x":{"type":"string"}},"oneOf":[{}]}}}`,
		`{"properties":{"a":{"type":"object","properties":{"b":{"type":"object","properties":{"c":{"type":"object","properties":{"d":{"type":"object","properties":{"e":{"type":"string"}}}}}}}}}}}`,
		`{"properties":{"a":{"type":"object","properties":{}}}}`, `{"properties":{"a":{"type":["string","null"]}}}`,
		`{"properties":{"a":{"type":"array","items":{"type":"object"}}}}`, `{"properties":{"a":{"type":"string","enum":[1,2]}}}`,
	} {
		if _, ok, err := questionsOf(json.RawMessage(bad), words.Chinese); ok || err != nil {
			t.Errorf("%s is shown: %v", bad, err)
		}
	}
}
