"""Moments in chats of several people, written by hand: after the last line an assistant speaks, or it keeps quiet.

Sixty to be measured by, half of each, and twenty-four others to choose settings by. In each, all moments before the
last line are moments to keep quiet. The assistant is called "swarm". Nobody in them is real.
"""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """A piece of a chat, and what a good assistant does at its end."""

    lines: tuple[tuple[str, str], ...]
    """Who said what, oldest first."""
    reason: str
    """Why it speaks, as in `protocols.Reason`; empty when it keeps quiet."""


def _moments(text: str) -> tuple[Moment, ...]:
    """Read moments: blocks apart by blank lines, each a reason in brackets (or ``[-]``), then lines ``name: words``."""
    found: list[Moment] = []
    for block in text.strip().split("\n\n"):
        head, *lines = block.splitlines()
        turns = [line.partition(": ") for line in lines]
        found.append(Moment(tuple((name, words) for name, _, words in turns), head.strip("[]-")))
    return tuple(found)


MOMENTS = _moments("""
[addressed]
mia: the train is late again
tom: typical
mia: @swarm how long does it take from Lyon to Turin by rail?

[addressed]
lea: I think we should leave at six
jan: too early
lea: swarm, what time is sunrise in Oslo in June?

[addressed]
kai: which of the two routers did we order?
swarm: You wrote that you took the smaller one.
kai: and does it do wifi 6, swarm?

[addressed]
ann: bob is late
eve: he always is
ann: hey swarm can you sum up what we decided so far

[addressed]
raj: ok so budget is 400
zoe: 450 if we skip dessert
raj: Swarm: what is 450 divided by 7?

[knowledge]
pia: they put a quince on the cheese plate
ole: fancy
pia: does anybody know what quince tastes like?

[knowledge]
max: reading about the black death for school
lou: cheerful stuff
max: how did they know it came with the ships?

[knowledge]
ida: we saw the northern lights from the ferry!
ben: so jealous
ben: why are they green most of the time?

[knowledge]
sam: the deploy failed with exit code 137
uma: again?
sam: what does 137 even mean

[knowledge]
flo: my grandmother says never put tomatoes in the fridge
gil: mine too haha
flo: is there any science behind that?

[knowledge]
noa: new word today: petrichor
eli: what is that?

[knowledge]
amy: I wonder how many languages are spoken in Papua New Guinea
joe: dozens at least

[knowledge]
ivo: contract says the notice period is "to the end of the quarter"
tea: hm
ivo: anyone know how that works if I quit on the 15th of May?

[suggestion]
rob: three days in Lisbon with two kids, no car
may: nice
rob: any ideas what to do when it rains?

[suggestion]
hal: the cat keeps scratching the sofa
ivy: ours too
hal: I tried everything, I have no idea what else to do

[suggestion]
dan: my tests pass locally and fail in CI
kim: ugh
dan: I'm stuck, been at it for hours

[suggestion]
ela: I can't decide between the induction hob and gas
tim: both fine I guess
ela: what would you all recommend for a small kitchen?

[suggestion]
leo: presentation tomorrow and I have forty slides for ten minutes
sue: good luck
leo: how do I cut that down?

[suggestion]
ava: we need a name for the book club
gus: something with pages
ava: suggestions please, I'm out of ideas

[suggestion]
nic: running my first 10k in five weeks, currently dying after 3
pam: you got this
nic: is there a plan for that kind of thing?

[fact correction]
ron: the great wall is the only building you see from the moon
val: really? cool

[fact correction]
jim: Sydney is the capital of Australia
amy: no it's Melbourne
jim: pretty sure it's Sydney

[fact correction]
cat: antibiotics will kill the flu virus in two days
dov: good to know, I'll ask for some

[fact correction]
ulf: light takes eight hours from the sun to us
kay: I thought it was minutes?
ulf: no, hours, definitely

[fact correction]
bea: 15% of 80 is 15
ned: are you sure? isn't it 12?

[emotional support]
lin: they gave the job to somebody else
lin: three interviews for nothing, I feel so useless

[emotional support]
oda: we had to put our dog down this morning
per: ...
oda: the house is so quiet, I can't stop crying

[emotional support]
wes: exam in two days and I'm panicking
wes: I can't sleep and I keep thinking I'll fail everything

[style]
art: this is the dumbest plan I ever heard
bud: oh shut up, you never do anything
art: SAYS THE ONE WHO BROKE IT!!

[style]
ria: you ALWAYS do this, every single time
ted: you're being ridiculous
ria: and you're an idiot, I'm done talking

[-]
mia: running late, ten minutes
tom: no worries, we'll order

[-]
lea: who brings the cake tomorrow?
jan: me!
lea: perfect

[-]
kai: are you coming tonight?

[-]
ann: bob, did you call the plumber?

[-]
raj: haha that picture
zoe: delete it please
raj: never

[-]
pia: happy birthday ole!!
max: happy birthday!
ole: thank you all

[-]
flo: shall we meet at the usual place?
gil: yes, seven?
flo: seven it is

[-]
ben: what is the capital of Peru?
swarm: Lima.
ben: thanks!

[-]
sam: can you review my pull request, uma?
uma: after lunch

[-]
noa: good night everyone
eli: night

[-]
amy: I asked the swarm yesterday, it told me the same
joe: ok good

[-]
ivo: how was the dentist?
tea: could be worse, two fillings

[-]
rob: just landed
may: welcome home

[-]
hal: do you want to keep the sofa or can I sell it?
ivy: sell it

[-]
dan: the meeting moved to three
kim: room 4?
dan: yes, room 4

[-]
ela: look at this sunset
tim: wow

[-]
leo: where are you?
sue: kitchen

[-]
ava: did everybody read chapter five?
gus: half of it
ava: me too, don't tell anyone

[-]
nic: I'm so happy, we got the flat!!
pam: congratulations!!

[-]
ron: lunch?
val: five minutes

[-]
jim: what do you think of my new haircut?
amy: very you

[-]
cat: I love this song
dov: same

[-]
ulf: who won last night?
kay: we did, 3-1
ulf: yes!!

[-]
bea: why didn't you pick up?
ned: phone was dead, sorry

[-]
lin: can somebody let me in, I forgot my key
oda: coming down

[-]
wes: what's the wifi password here?
per: on the fridge

[-]
art: I'll take the bins out
bud: hero

[-]
ria: how do you like the new place?
ted: it's great, lots of light

[-]
mia: how does a heat pump work?
swarm: It moves heat from outside to inside with a compressor.
tom: ah nice
mia: then our neighbour's noise makes sense

[-]
zoe: we should really paint this wall
raj: some day
zoe: some day soon
""")
"""Sixty, half of each."""

PRACTICE = _moments("""
[addressed]
una: what a day
una: swarm, translate "good night" to Finnish please

[addressed]
abe: two pizzas or three?
cyd: @swarm how many slices has a 32 cm pizza

[knowledge]
dot: the kettle is full of white stuff
fay: limescale
dot: how do you get rid of that?

[knowledge]
gab: does anyone know if penguins have knees?

[knowledge]
hob: what's the difference between a lawyer and a solicitor

[suggestion]
jo: need a present for a nine year old who has everything
kit: oof
jo: any suggestions?

[suggestion]
lux: my sourdough is flat again, no clue what I'm doing wrong

[suggestion]
moe: not sure whether to learn Rust or Go first
nan: depends
moe: on what?

[fact correction]
ora: Einstein won the Nobel prize for relativity
pat: no, I think it was for something else
ora: I'm certain it was relativity

[fact correction]
quin: humans only use ten percent of their brain
rex: true

[emotional support]
sky: my dad is in hospital and I don't know what to do, I'm so scared

[style]
tab: are you STUPID?? I told you ten times
uri: don't shout at me you moron

[-]
vic: is anybody home?
wyn: I am

[-]
xia: what time do you finish work?
yan: six

[-]
zed: thanks for yesterday, it was lovely
abe: come back soon

[-]
cyd: Dot, can you send me the file?

[-]
fay: I made soup
gab: yum

[-]
hob: what is the tallest tree?
swarm: Hyperion, a redwood of 116 m.
hob: wow

[-]
jo: should we take the bus or walk?
kit: walk, it's sunny

[-]
lux: the swarm is pretty good at this
moe: it is

[-]
nan: who has the car today?
ora: me until five

[-]
pat: how are you feeling today?
quin: much better, thanks

[-]
rex: why are you laughing?
sky: nothing

[-]
tab: don't forget the milk
uri: got it
""")
"""Twenty-four to choose settings by."""
