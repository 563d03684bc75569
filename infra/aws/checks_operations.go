package aws

import (
	"slices"
	"strings"
)

const lambda, schedule = "AWS::Lambda::Function", "AWS::Scheduler::Schedule"

func (c *checker) alarms() []resource {
	return c.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
}

func (c *checker) alarmAction() {
	for _, r := range c.alarms() {
		if actions := r.prop("AlarmActions"); len(actions.entries()) == 0 || slices.Contains(actions.branches(), nil) {
			c.find(r, actions, "nobody is told of the alarm", "name the topic in AlarmActions")
		}
		if v := r.prop("ActionsEnabled"); v != nil && !r.t.always(v, "true") {
			c.find(r, v, "the alarm's actions may be off", "leave ActionsEnabled out")
		}
	}
}

func (c *checker) alarmMissingData() {
	for _, r := range c.resources("AWS::CloudWatch::Alarm") {
		c.present(r, "say what silence means: breaching for what must always report, notBreaching for what reports only trouble", "TreatMissingData")
	}
}

func (c *checker) deadLetter() {
	listened := map[string]bool{}
	for _, r := range c.resources("AWS::Lambda::EventInvokeConfig") {
		if r.prop("DestinationConfig", "OnFailure", "Destination") != nil {
			listened[r.t.Name+" "+refersTo(r.prop("FunctionName"))] = true
		}
	}
	for _, r := range c.resources(lambda) {
		if !listened[r.t.Name+" "+r.name] {
			c.present(r, "name the queue of dead letters", "DeadLetterConfig", "TargetArn")
		}
	}
	for _, r := range c.resources(schedule) {
		c.present(r, "name the queue of dead letters", "Target", "DeadLetterConfig", "Arn")
	}
}

func (c *checker) reservedConcurrency() {
	for _, r := range c.resources(lambda) {
		c.present(r, "say how many may run at once; 1 for the watch, which must not meet itself", "ReservedConcurrentExecutions")
		if text(r.prop("Environment", "Variables", "LIGNUM_AUTOSCALE")) == "watch" {
			c.need(r, "say 1: two watches would act twice", []string{"1"}, "ReservedConcurrentExecutions")
		}
	}
}

// A turn is a schedule that starts the night's or the morning's function.
type turn struct {
	resource
	which   string // night or morning
	pair    string // what its counterpart must share: zone and input, and when it exists
	cluster string // that the function works on
}

func (c *checker) turns() []turn {
	var all []turn
	for _, r := range c.resources(schedule) {
		f := r.t.Resources.Get(refersTo(r.prop("Target", "Arn")), "Properties", "Environment", "Variables")
		which := text(f.Get("LIGNUM_AUTOSCALE"))
		if which != "night" && which != "morning" {
			continue
		}
		pair := []string{text(r.prop("ScheduleExpressionTimezone")), text(r.prop("Target", "Input")), text(r.prop("State")), text(r.whole.Get("Condition"))}
		all = append(all, turn{r, which, strings.Join(pair, "\n"), clusterOf(f)})
	}
	return all
}

func clusterOf(variables *Value) string {
	if variables == nil {
		return ""
	}
	var found []string
	for i, name := range variables.Keys {
		if strings.Contains(name, "CLUSTER") {
			found = append(found, name+"="+text(variables.Items[i]))
		}
	}
	return strings.Join(found, "\n")
}

// nightMorning wants each night to have the morning of its own zone and cluster, and the other way round: a cluster
// that is only ever shrunk would meet the school day small.
func (c *checker) nightMorning() {
	turns := c.turns()
	other := map[string]string{"night": "morning", "morning": "night"}
	for _, one := range turns {
		if one.prop("ScheduleExpressionTimezone") == nil {
			c.find(one.resource, nil, "the "+one.which+" has no time zone", "say ScheduleExpressionTimezone")
		}
		met := slices.ContainsFunc(turns, func(t turn) bool {
			return t.t == one.t && t.which == other[one.which] && t.pair == one.pair && t.cluster == one.cluster &&
				text(t.prop("ScheduleExpression")) != text(one.prop("ScheduleExpression"))
		})
		if !met {
			c.find(one.resource, one.prop("ScheduleExpressionTimezone"), "this "+one.which+" has no "+other[one.which]+" in its time zone, on its cluster, at another hour",
				"add the "+other[one.which]+" with the same zone, input, state and condition, or remove both")
		}
	}
}
