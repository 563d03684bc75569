package aws

import (
	"slices"
	"strings"
)

// mailReturns wants what comes back of letters to reach the program, and nobody else to have a word in it: SES tells a topic, which takes it of the configuration
// set alone and hands it to a queue as it is; the queue takes it of the topic alone, puts aside what nobody could take, and is watched; the machines read it and may
// no more.
func (c *checker) mailReturns() {
	for _, r := range c.resources(mailSettings) {
		topic := c.returnsTopic(r)
		if topic == "" {
			c.find(r, nil, "the program does not hear what comes back of letters", "add an event destination of BOUNCE and COMPLAINT that is a topic of this template")
			continue
		}
		if !c.only("AWS::SNS::TopicPolicy", r.t, "Topics", topic, func(s *Value) bool {
			return text(s.Get("Principal")) == "Service=ses.amazonaws.com;" && text(s.Get("Action")) == "sns:Publish" &&
				text(s.Get("Condition")) == "StringEquals=aws:SourceAccount=${AWS::AccountId};aws:SourceArn=arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${"+r.name+"};;"
		}) {
			c.find(r, nil, "somebody else may say what came back of letters, or SES may not", "let the topic's policy allow sns:Publish to ses.amazonaws.com, of this account and configuration set alone")
		}
		queue := ""
		for _, s := range c.resources("AWS::SNS::Subscription") {
			if s.t == r.t && refersTo(s.prop("TopicArn")) == topic && s.prop("Protocol").Scalar() == "sqs" && s.prop("RawMessageDelivery").Scalar() == "true" && s.prop("RedrivePolicy", "deadLetterTargetArn") != nil {
				queue = refersTo(s.prop("Endpoint"))
			}
		}
		if queue == "" {
			c.find(r, nil, "what comes back reaches no queue as SES says it", "subscribe a queue to the topic with RawMessageDelivery: true and a RedrivePolicy")
			continue
		}
		c.returnsQueue(r, topic, queue)
	}
}

// returnsTopic is the topic that SES tells of both kinds of returns; "": none.
func (c *checker) returnsTopic(settings resource) string {
	for _, d := range c.resources("AWS::SES::ConfigurationSetEventDestination") {
		to := refersTo(d.prop("EventDestination", "SnsDestination", "TopicARN"))
		kinds := text(d.prop("EventDestination", "MatchingEventTypes"))
		if d.t == settings.t && refersTo(d.prop("ConfigurationSetName")) == settings.name && d.prop("EventDestination", "Enabled").Scalar() == "true" &&
			strings.Contains(kinds, "BOUNCE;") && strings.Contains(kinds, "COMPLAINT;") && settings.t.Resources.Get(to).Get("Type").Scalar() == "AWS::SNS::Topic" {
			return to
		}
	}
	return ""
}

// only reports whether a policy of a kind lets in what is meant and nobody else.
func (c *checker) only(kind string, t *Template, list, name string, meant func(s *Value) bool) bool {
	found := false
	for _, p := range c.resources(kind) {
		if p.t != t || !slices.ContainsFunc(p.prop(list).entries(), func(v *Value) bool { return refersTo(v) == name }) {
			continue
		}
		for _, s := range p.prop("PolicyDocument", "Statement").entries() {
			if s.Get("Effect").Scalar() == "Deny" {
				continue
			}
			if !meant(s) {
				return false
			}
			found = true
		}
	}
	return found
}

func (c *checker) returnsQueue(r resource, topic, name string) {
	queue := r.t.Resources.Get(name)
	lost := refersTo(queue.Get("Properties", "RedrivePolicy", "deadLetterTargetArn"))
	if r.t.Resources.Get(lost).Get("Type").Scalar() != "AWS::SQS::Queue" {
		c.find(r, queue, "what nobody can take comes again for two weeks, and is gone then", "give the queue a RedrivePolicy to another one of this template")
	}
	if seconds, known := r.t.number(queue.Get("Properties", "VisibilityTimeout"), world{}); !known || seconds < 240 {
		c.find(r, queue, "a message comes again while it is being taken", "say VisibilityTimeout: 300 (tenants/mail/returns.go)")
	}
	for _, of := range []string{name, lost} {
		if of != "" && !c.only("AWS::SQS::QueuePolicy", r.t, "Queues", of, func(s *Value) bool {
			return text(s.Get("Principal")) == "Service=sns.amazonaws.com;" && text(s.Get("Action")) == "sqs:SendMessage" && text(s.Get("Condition")) == "ArnEquals=aws:SourceArn=${"+topic+"};;"
		}) {
			c.find(r, r.t.Resources.Get(of), "somebody else may put something into the queue, or the topic may not", "let the queue's policy allow sqs:SendMessage to sns.amazonaws.com, of the topic alone")
		}
	}
	for _, s := range c.servers() {
		if s.t == r.t && !strings.Contains(text(s.prop("LaunchTemplateData", "UserData")), "LIGNUM_MAIL_RETURNS=${"+name+"}\n") {
			c.find(s, s.prop("LaunchTemplateData", "UserData"), "the machines do not know the queue of what comes back", "set LIGNUM_MAIL_RETURNS to it")
		}
	}
	allowed := ""
	for _, s := range c.allowing() {
		if s.t == r.t && s.kind == "AWS::IAM::Role" && strings.Contains(text(s.body.Get("Resource")), "${"+name+".Arn}") {
			allowed += text(s.body.Get("Action"))
		}
	}
	if allowed != "sqs:ReceiveMessage;sqs:DeleteMessage;" {
		c.find(r, queue, "the machines may not take what comes back, or may do more with the queue", "allow their role sqs:ReceiveMessage and sqs:DeleteMessage on it")
	}
	for metric, of := range map[string]string{"ApproximateAgeOfOldestMessage": name, "ApproximateNumberOfMessagesVisible": lost} {
		told := slices.ContainsFunc(c.alarms(), func(a resource) bool {
			return a.prop("MetricName").Scalar() == metric && strings.Contains(text(a.prop("Dimensions")), "${Installation}-web-"+of+"Name") && strings.HasPrefix(a.prop("ComparisonOperator").Scalar(), "GreaterThan")
		})
		if !told {
			c.find(r, queue, "nobody hears when what comes back is not taken", "make an alarm of "+metric+" of "+of)
		}
	}
}
