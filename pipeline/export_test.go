package pipeline

// CountRules is the evaluation of rules that count, for the benchmark of what it costs inside a transaction.
func CountRules(tx Tx, a *Article, ms, counting []Match, joined bool) (int, error) {
	return tally{tx, a, ms, a.Seen}.count(joined, counting)
}
