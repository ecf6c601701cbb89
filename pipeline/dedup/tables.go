package dedup

import "regexp"

// The rules of Canonical and Resolve are these tables. None names a news site: a rule has to hold everywhere, and where it may
// not, it is left out, for two pages taken for one lose a story, and one page taken for two costs a comparison. Services that
// carry other people's links (redirectors) are named, for there is no other way to know them.
//
// They were held against the lists of ClearURLs and of AdGuard's URL Tracking filter (its general section): what is there for
// all sites is here, but for names that choose what is shown on some systems (var, clickid, cuid, gci, maf).

// trackingParams say where the reader came from, not what is shown. Compared in lower case.
var trackingParams = words(`
	fbclid fb_action_ids fb_action_types fb_ref fb_source fb_comment_id action_object_map action_ref_map action_type_map mibextid
	gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid gs_l gps_adid
	msclkid yclid ysclid _openstat erid twclid ttclid rdt_cid sccid epik igshid igsh li_fat_id __twitter_impression tblci obclid dicbo qclid
	mc_cid mc_eid mkt_tok _hsenc _hsmi __hstc __hssc __hsfp hsctatracking vero_id vero_conv oly_anon_id oly_enc_id rb_clickid wickedid
	_kx _ke ck_subscriber_id ml_subscriber ml_subscriber_hash dm_i sfmc_id sfmc_activityid spmailingid spuserid spjobid spreportid
	elqtrack elqtrackid elqaid elqat elqcampaignid elqcst bbeml nr_email_referer _cldee _clde mindbox-click-id mindbox-message-key
	_ga _gl gaa_at gaa_n gaa_ts gaa_sig s_kwcid ef_id s_cid cm_me cm_cr cm_ven cm_sp cm_lm adobe_mc adobe_mc_ref adobe_mc_sdid
	sscid irclickid irgwc ir_campaignid ir_adid ir_partnerid cjevent awc tduid vc_lpp rtkcid zanpid admitad_uid external_click_id
	aiad_clid famad_xuid _zucks_suid ebisadid oprtrack asgtbndr adfrom wprov user_email_address
	ref ref_src ref_url referrer referer reflink refsource cmp cmpid cmpid2 cmp_id ns_mchannel ns_source ns_campaign ns_linkname ns_fee
	wt_mc wt.mc wt_zmc wtmc icid intcid int_cid ito ncid ftag sr_share smid smtyp smprod partner_id spm scm share_from share_source soc_src soc_trk
	shareid share_id sharetype share_medium feature_shared taid trackingcode tracking_id trackingid trkid ocid oc cid_source hootpostid
	guccounter guce_referrer guce_referrer_sig at_medium at_campaign at_custom1 at_custom2 at_custom3 at_custom4
	at_link_id at_link_origin at_link_type at_format at_ptr_name at_bbc_team xtor rss feedname from_rss fromrss maca nx_source
	traffic_source cx_testid cx_click cx_recsorder cx_recswidget mod_source socialshare origin_share print_source usqp
	__io_lv _io_session_id _branch_match_id _branch_referrer wpisrc wpmk wpmm replytocom nocache no_cache
`)

// trackingPrefixes begin names of such parameters.
var trackingPrefixes = []string{"utm_", "utm-", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "itm_", "trk_", "sc_c", "bsft_", "_branch_", "wt.", "ga_", "stm_",
	"oly_", "mkt_", "guce_", "cm_mmc", "_sgm_", "dpg_", "adjust_", "hmb_", "amp_", "at_custom", "sms_"}

// originParams say where the reader came from when they have one of these values; others may choose what is shown. A value that
// ends in * stands for all that begin so.
var originParams = map[string][]string{
	"source":   origins,
	"src":      origins,
	"from":     origins,
	"origin":   origins,
	"via":      origins,
	"partner":  origins,
	"share":    origins,
	"medium":   origins,
	"channel":  {"rss", "newsletter", "social"},
	"emc":      {"rss", "edit_*"},
	"feedtype": {"rss", "atom"},
	"mod":      {"rss*", "hp_*", "newsviewer_*", "article_inline", "mhp", "e2*", "searchresults_*"},
	"mbid":     {"rss*", "social_*", "nl_*", "email_*"},
}

// origins are where readers come from.
var origins = []string{"rss*", "feed", "feedburner", "atom", "twitter*", "x", "facebook*", "fb", "telegram", "whatsapp*", "linkedin*", "reddit", "email*",
	"mail", "newsletter*", "nl", "social*", "share*", "google*", "googlenews", "bing", "yahoo", "flipboard", "pocket", "homepage", "topnews", "push*",
	"jetpack-*", "tumblr", "pinterest", "skype", "vk*", "sms", "app", "web", "copy_link", "top_stories"}

// sessionParams tell one visit from another. Compared in lower case.
var sessionParams = words(`phpsessid jsessionid aspsessionid asp.net_sessionid sessionid session_id sessid sess_id jsession sessionkey
	cfid cftoken zenid oscsid bv_sessionid bv_engineid`)

// sessionPrefixes begin names of such parameters.
var sessionPrefixes = []string{"aspsessionid"}

// sessionValue is a value that only a session id has, for names that also mean other things.
var (
	sessionNames = words(`sid s session`)
	sessionValue = regexp.MustCompile(`^[0-9a-fA-F]{24,}$`)
)

// stampValue is a value that only keeps a cache from answering, for names that also mean other things.
var (
	stampNames = words(`_ ts timestamp rand rnd cb cachebuster`)
	stampValue = regexp.MustCompile(`^(1[0-9]{9}|1[0-9]{12}|0\.[0-9]{6,})$`)
)

// twinParams ask for another form of the same page: name to the values that do; no values: any.
var twinParams = map[string][]string{
	"amp":                {"", "1", "true", "yes", "amp"},
	"_amp":               nil,
	"__amp":              nil,
	"ampmode":            nil,
	"isamp":              {"", "1", "true"},
	"outputtype":         {"amp", "print"},
	"output":             {"amp", "print", "print_friendly"},
	"format":             {"amp", "print", "mobile"},
	"fmt":                {"amp", "print"},
	"mode":               {"amp", "print", "mobile"},
	"type":               {"amp", "print"},
	"layout":             {"amp", "print", "mobile"},
	"tpl":                {"print"},
	"tmpl":               {"print", "component"},
	"version":            {"print", "amp", "mobile"},
	"action":             {"print"},
	"print":              {"", "1", "true", "yes", "y", "print"},
	"printable":          {"", "1", "true", "yes"},
	"printmode":          nil,
	"printview":          nil,
	"printpage":          nil,
	"print_view":         nil,
	"printfriendly":      nil,
	"printerfriendly":    nil,
	"printer_friendly":   nil,
	"pagewanted":         {"print", "all"},
	"view":               {"print", "mobile", "amp", "desktop"},
	"mobile":             {"", "0", "1", "true", "false"},
	"ismobile":           {"", "0", "1", "true", "false"},
	"desktop":            {"", "1", "true"},
	"device":             {"mobile", "desktop", "tablet"},
	"m":                  {"1"},
	"nomobile":           nil,
	"mobile_redirect":    nil,
	"noamp":              nil,
	"noredirect":         nil,
	"_escaped_fragment_": {""},
}

// twinHosts are first labels of a host that shows the same pages as the host without them.
var twinHosts = words(`www www1 www2 www3 ww2 m mobile mobi amp wap touch`)

// twinLabels may also stand behind a first label of at most three letters, a language as a rule: en.m.example.org.
var twinLabels = words(`m mobile amp`)

// publicSecond are labels that stand for no one in front of a country's domain: a rest of "co.uk" is not a host.
var publicSecond = words(`co com net org ac go gov or ne edu gob gouv`)

// indexFiles are what a server shows for a folder.
var indexFiles = words(`index.html index.htm index.shtml index.xhtml index.phtml index.php index.php5 index.asp index.aspx index.jsp index.jspx index.cfm
	default.html default.htm default.asp default.aspx default.php default.jsp`)

// twinSegments end the path of another form of the page whose path stands before them, when that is an article's.
var twinSegments = words(`amp amphtml print printable printer printer-friendly print-view mobile amp.html print.html mobile.html amp.php print.php`)

// twinFirst begin the path of another form of the page whose path stands behind them, when that is an article's.
var twinFirst = words(`amp print mobile`)

// twinSuffixes end the last segment of another form of the page, and what the page has in their place.
var twinSuffixes = []struct{ twin, page string }{
	{".amp.html", ".html"}, {".amp.htm", ".htm"}, {".amp.php", ".php"}, {".amphtml", ".html"}, {".amp", ""},
	{".print.html", ".html"}, {".print.htm", ".htm"}, {".print.php", ".php"}, {".mobile.html", ".html"},
}

// caselessFiles are served by a system that takes no notice of case, in paths and in names of parameters.
var caselessFiles = []string{".aspx", ".asp", ".ashx"}

// pathSession is a session id in a path: behind a semicolon, or as a segment of its own as ASP.NET writes it.
var pathSession = regexp.MustCompile(`(?i);(?:jsessionid|phpsessid|sid)=[^/?#;]*|/\((?:[AFSX]\([0-9a-z_-]{20,}\))+\)`)

// A redirector is a service whose links carry the address that they lead to.
type redirector struct {
	hosts  string // hosts, with their subdomains; a last ".*" stands for any country
	path   string // what the path begins with; a last "$": all of it
	params string // parameters that may hold the address, in order of preference; "?": all of the query
	in     carry
}

// carry says how a link carries an address.
type carry int

const (
	inParam  carry = iota // escaped, in a parameter
	inPath                // host and path, behind the path's beginning: …/s/host/path for https
	inNews                // in a protocol buffer, base64url, the segment behind the path's beginning
	inAnswer              // in a parameter, base64url behind "a1"
	inYahoo               // in the path as RU=…/
	inProof2              // in a parameter, with - for % and _ for /
	inProof3              // in the path between two underscores, up to __;
)

// redirectors are held against an address in this order. What they carry is looked at again: a link in a link.
var redirectors = []redirector{
	{"news.google.*", "/rss/articles/", "", inNews},
	{"news.google.*", "/articles/", "", inNews},
	{"news.google.*", "/__i/rss/rd/articles/", "", inNews},
	{"news.google.*", "/read/", "", inNews},
	{"google.*", "/url$", "url q", inParam},
	{"google.*", "/news/url", "url q", inParam},
	{"google.*", "/imgres$", "imgrefurl", inParam},
	{"google.*", "/amp/s/", "", inPath},
	{"google.*", "/amp/", "", inPath},
	{"cdn.ampproject.org", "/c/s/", "", inPath},
	{"cdn.ampproject.org", "/v/s/", "", inPath},
	{"cdn.ampproject.org", "/wp/s/", "", inPath},
	{"cdn.ampproject.org", "/c/", "", inPath},
	{"cdn.ampproject.org", "/v/", "", inPath},
	{"bing-amp.com", "/c/s/", "", inPath},
	{"bing.com", "/amp/s/", "", inPath},
	{"bing.com", "/news/apiclick.aspx$", "url", inParam},
	{"bing.com", "/ck/a$", "u", inAnswer},
	{"search.yahoo.com", "/", "", inYahoo},
	{"yandex.*", "/turbo/s/", "", inPath},
	{"yandex.*", "/turbo", "text", inParam},
	{"duckduckgo.com", "/l/", "uddg", inParam},
	{"facebook.com", "/l.php$", "u", inParam},
	{"facebook.com", "/sharer", "u", inParam},
	{"l.instagram.com", "/", "u", inParam},
	{"l.threads.net l.threads.com", "/", "u", inParam},
	{"messenger.com", "/l.php$", "u", inParam},
	{"youtube.com", "/redirect$", "q", inParam},
	{"linkedin.com", "/redir/", "url", inParam},
	{"linkedin.com", "/safety/go", "url", inParam},
	{"out.reddit.com", "/", "url", inParam},
	{"t.umblr.com", "/redirect$", "z", inParam},
	{"pinterest.com", "/offsite/", "url", inParam},
	{"vk.com", "/away.php$", "to", inParam},
	{"t.me", "/iv$", "url", inParam},
	{"medium.com", "/r/", "url", inParam},
	{"flipboard.com", "/redirect", "url", inParam},
	{"getpocket.com", "/redirect", "url", inParam},
	{"slack-redir.net", "/link$", "url", inParam},
	{"disq.us", "/", "url", inParam},
	{"href.li", "/", "?", inParam},
	{"anonym.to", "/", "?", inParam},
	{"safelinks.protection.outlook.com", "/", "url", inParam},
	{"urldefense.proofpoint.com", "/v2/url$", "u", inProof2},
	{"urldefense.com", "/v3/__", "", inProof3},
	{"go.skimresources.com", "/", "url", inParam},
	{"redirect.viglink.com", "/", "u", inParam},
}
