// The peer: Apache's Go runner with the plugins `say` and `fault-injection`, and one that does
// nothing, written for this benchmark after the descriptions of its samples.
//
//	bench production|default
package main

import (
	"encoding/json"
	"errors"
	"math/rand"
	"net/http"
	"os"

	pkgHTTP "github.com/apache/apisix-go-plugin-runner/pkg/http"
	"github.com/apache/apisix-go-plugin-runner/pkg/plugin"
	"github.com/apache/apisix-go-plugin-runner/pkg/runner"
	"go.uber.org/zap/zapcore"
)

type nothing struct{ plugin.DefaultPlugin }

func (nothing) Name() string                             { return "nothing" }
func (nothing) ParseConf(in []byte) (interface{}, error) { return nil, nil }

type say struct{ plugin.DefaultPlugin }

type sayConf struct {
	Body string `json:"body"`
}

func (say) Name() string { return "say" }

func (say) ParseConf(in []byte) (interface{}, error) {
	conf := sayConf{}
	err := json.Unmarshal(in, &conf)
	return conf, err
}

func (say) RequestFilter(conf interface{}, w http.ResponseWriter, r pkgHTTP.Request) {
	body := conf.(sayConf).Body
	if body == "" {
		return
	}
	w.Header().Add("X-Resp-A6-Runner", "Go")
	w.Write([]byte(body))
}

type faultInjection struct{ plugin.DefaultPlugin }

type faultConf struct {
	HTTPStatus int    `json:"http_status"`
	Body       string `json:"body"`
	Percentage int    `json:"percentage"`
}

func (faultInjection) Name() string { return "fault-injection" }

func (faultInjection) ParseConf(in []byte) (interface{}, error) {
	conf := faultConf{Percentage: 100}
	if err := json.Unmarshal(in, &conf); err != nil {
		return nil, err
	}
	if conf.HTTPStatus < 200 {
		return nil, errors.New("bad http_status")
	}
	return conf, nil
}

func (faultInjection) RequestFilter(conf interface{}, w http.ResponseWriter, r pkgHTTP.Request) {
	fault := conf.(faultConf)
	if rand.Intn(100) >= fault.Percentage {
		return
	}
	w.WriteHeader(fault.HTTPStatus)
	if fault.Body != "" {
		w.Write([]byte(fault.Body))
	}
}

func main() {
	for _, p := range []plugin.Plugin{&nothing{}, &say{}, &faultInjection{}} {
		if err := plugin.RegisterPlugin(p); err != nil {
			panic(err)
		}
	}
	config := runner.RunnerConfig{}
	if len(os.Args) > 1 && os.Args[1] == "production" {
		config.LogLevel = zapcore.WarnLevel
	}
	runner.Run(config)
}
