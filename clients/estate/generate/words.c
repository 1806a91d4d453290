#include "words.h"

#define LIST(...)	((const char *const[]){ __VA_ARGS__, NULL })
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct trade trades[] = {
	{ "plumbing", true, LIST("厨房水龙头滴水", "卫生间马桶堵塞", "洗手盆下水慢", "阳台地漏返水", "水管接头渗水") },
	{ "electrical", true, LIST("客厅跳闸,合不上", "插座没有电", "卧室灯不亮", "门铃按了不响") },
	{ "doors_windows", true, LIST("入户门锁打不开", "窗户关不严", "纱窗脱落", "阳台推拉门卡住") },
	{ "walls", true, LIST("外墙渗水,墙面发霉", "天花板有水印", "墙砖空鼓") },
	{ "appliance", true, LIST("热水器不出热水", "空调滴水到阳台", "抽油烟机松动") },
	{ "intercom", true, LIST("对讲机没有声音", "门禁读不了卡") },
	{ "lift", false, LIST("电梯按键失灵", "电梯运行有异响", "电梯门关不上") },
	{ "lighting", false, LIST("楼道灯不亮", "车库灯一直闪", "园区路灯坏了") },
	{ "public_facility", false, LIST("单元门关不上", "垃圾桶盖损坏", "健身器材螺丝松动", "道闸抬不起来") }
};
static const uint16_t trade_weights[] = { 300, 180, 130, 60, 70, 60, 50, 90, 60 };

static const struct category categories[] = {
	{ "noise", "security", LIST("楼上半夜走动声音大", "装修噪音在午休时间", "广场舞音响太大") },
	{ "parking", "security", LIST("车位被别的车占用", "消防通道停满车", "地库入口长时间排队") },
	{ "cleaning", "cleaning", LIST("楼道垃圾没有及时清走", "电梯轿厢有异味", "地库积灰很多") },
	{ "greening", "greening", LIST("树枝挡住一楼采光", "草坪长期没有修剪", "绿化带蚊虫多") },
	{ "security", "security", LIST("陌生人随意进出单元门", "夜间没有看到巡逻", "快递柜旁丢了包裹") },
	{ "repair", "engineering", LIST("报修三天没有人来", "修过的水管又漏了", "维修后现场没有清理") },
	{ "fees", "finance", LIST("物业费账单金额不对", "水费比上月多了一倍", "停车费重复收取") },
	{ "staff", "customer_service", LIST("前台接待态度生硬", "电话多次没有人接") },
	{ "neighbour", "security", LIST("邻居在楼道堆放杂物", "遛狗不牵绳", "高空抛物") },
	{ "facility", "engineering", LIST("电梯一个月坏了两次", "儿童滑梯破损没人处理", "门禁经常失灵") }
};
static const uint16_t category_weights[] = { 190, 170, 120, 60, 90, 130, 80, 50, 90, 80 };

static const struct incident incidents[] = {
	{ "medical", NULL, "120", LIST("老人胸闷喘不上气", "老人在家中摔倒起不来", "孩子高烧抽搐", "孕妇突然腹痛") },
	{ "medical", "poisoning", "120", LIST("疑似煤气中毒,头晕恶心") },
	{ "medical", "traffic", "120", LIST("车库门口行人被电动车撞倒") },
	{ "disaster", "fire", "119", LIST("厨房起火,有浓烟", "楼道电瓶车冒烟", "闻到很浓的焦糊味") },
	{ "disaster", "flood", "guards", LIST("楼上爆管,水漫进家里", "地库进水") },
	{ "disaster", "typhoon", "guards", LIST("大风吹落外墙构件", "树倒压住车辆") },
	{ "security", "theft", "110", LIST("家里被翻动,怀疑失窃", "电动车被偷") },
	{ "security", "fight", "110", LIST("楼下有人打架", "有人持械争执") }
};
static const uint16_t incident_weights[] = { 420, 20, 40, 90, 120, 20, 170, 120 };

const char *const words_inquiries[] = {
	"询问物业费怎么缴", "询问门禁卡办理手续", "询问装修申请需要的材料", "询问停水通知的时间", "询问车位租赁", "询问快递柜位置",
	"询问搬家放行条", "咨询发票开具", NULL
};
const char *const words_replies[] = {
	"已核实情况,今天安排人员处理", "已通知责任部门,明天上午给您答复", "正在协调相关方,请您放心", "已到现场查看,处理方案稍后告知", NULL
};
const char *const words_praises[] = {
	"维修师傅准时,讲解清楚", "处理及时", "态度很好,现场收拾干净", "问题已经解决,谢谢", NULL
};
const char *const words_grumbles[] = {
	"等待时间太长", "修完后又出现同样问题", "没有提前电话联系", "处理结果没有告知", NULL
};
const char *const words_suggestions[] = {
	"希望增加电动车充电位", "建议楼道灯改为感应灯", "建议延长前台服务时间", "希望周末也安排维修", "建议增设儿童活动区", NULL
};

const struct trade *
words_trade(struct rng *r)
{
	_Static_assert(COUNT(trades) == COUNT(trade_weights), "a weight per trade");
	return (&trades[rng_weighted(r, trade_weights, COUNT(trades))]);
}

const struct category *
words_category(struct rng *r)
{
	_Static_assert(COUNT(categories) == COUNT(category_weights), "a weight per category");
	return (&categories[rng_weighted(r, category_weights, COUNT(categories))]);
}

const struct incident *
words_incident(struct rng *r)
{
	_Static_assert(COUNT(incidents) == COUNT(incident_weights), "a weight per incident");
	return (&incidents[rng_weighted(r, incident_weights, COUNT(incidents))]);
}

const char *
words_pick(struct rng *r, const char *const *texts)
{
	unsigned n = 0;

	while (texts[n] != NULL)
		n++;
	return (texts[rng_below(r, n)]);
}
