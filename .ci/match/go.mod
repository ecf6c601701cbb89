module wirewatch/matchbench

go 1.26.0

require wirewatch v0.0.0

require (
	github.com/BobuSumisu/aho-corasick v1.0.3
	github.com/blevesearch/snowballstem v0.9.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace wirewatch => ../..
