package dedup

import "regexp"

// The rules of Canonical are these tables. None names a site: a rule has to hold everywhere, and where it may not, it is
// left out, for two pages taken for one lose a story, and one page taken for two costs a comparison.

// trackingParams say where the reader came from, not what is shown. Compared in lower case.
var trackingParams = words(`
	fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id mibextid
	mc_cid mc_eid mkt_tok _hsenc _hsmi __hstc __hssc __hsfp hsctatracking vero_id vero_conv oly_anon_id oly_enc_id
	_ga _gl gaa_at gaa_n gaa_ts gaa_sig ga_source ga_medium ga_campaign ga_term ga_content s_kwcid ef_id epik srsltid
	ref ref_src ref_url referrer referer cmp cmpid cmpid2 ns_mchannel ns_source ns_campaign ns_linkname ns_fee
	wt_mc wt.mc wt_zmc wtmc icid ito ncid sr_share smid smtyp smprod partner_id spm scm share_from share_source
	shareid share_id sharetype share_medium feature_shared taid trackingcode tracking_id track_id ocid oc cid_source
	guccounter guce_referrer guce_referrer_sig at_medium at_campaign at_custom1 at_custom2 at_custom3 at_custom4
	at_link_id at_link_origin at_link_type at_format at_ptr_name at_bbc_team xtor rss feedname from_rss fromrss
	traffic_source dicbo cx_testid mod_source socialshare origin_share print_source amp_js_v amp_gsa usqp
`)

// trackingPrefixes begin names of such parameters.
var trackingPrefixes = []string{"utm_", "utm-", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "itm_", "trk_", "sc_c", "bsft_", "_branch_", "wt.", "ga_", "stm_", "oly_", "mkt_"}

// sessionParams tell one visit from another. Compared in lower case.
var sessionParams = words(`phpsessid jsessionid aspsessionid asp.net_sessionid sessionid session_id cfid cftoken zenid osCsid`)

// sessionValue is a value that only a session id has, for names that also mean other things.
var (
	sessionNames = words(`sid s session`)
	sessionValue = regexp.MustCompile(`^[0-9a-fA-F]{24,}$`)
)

// twinParams ask for another form of the same page: name to the values that do; no values: any.
var twinParams = map[string][]string{
	"amp":              {"", "1", "true", "yes"},
	"outputtype":       {"amp"},
	"output":           {"amp", "print"},
	"print":            {"", "1", "true", "yes", "y"},
	"printable":        {"", "1", "true", "yes"},
	"printer_friendly": nil,
	"view":             {"print", "mobile", "amp"},
	"mobile":           {"", "1", "true"},
	"m":                {"1"},
	"nomobile":         nil,
	"noamp":            nil,
}

// twinHosts are first labels of a host that shows the same pages as the host without them.
var twinHosts = words(`www www2 m mobile amp`)

// publicSecond are labels that stand for no one in front of a country's domain: a rest of "co.uk" is not a host.
var publicSecond = words(`co com net org ac go gov or ne edu gob gouv`)

// indexFiles are what a server shows for a folder.
var indexFiles = words(`index.html index.htm index.shtml index.php index.asp index.aspx index.jsp default.html default.htm default.asp default.aspx`)

// twinSegments end the path of another form of the page whose path stands before them, when that is an article's.
var twinSegments = words(`amp print mobile amp.html print.html`)

// pathSession is a session id in a path.
var pathSession = regexp.MustCompile(`(?i);(?:jsessionid|phpsessid|sid)=[^/?#;]*`)
