"""Eight peers with records of what they are good at, and eighty questions, each of which one of them can answer best.

Written by hand: records say what was done, questions use other words for it where one would.
"""

from __future__ import annotations

from collections.abc import Mapping

RECORDS: Mapping[str, tuple[str, ...]] = {
    "ada": (
        "Wrote and debugged Python programs and unit tests.",
        "Explained compiler errors, algorithms, data structures and software libraries.",
        "Set up databases, SQL queries, servers and version control.",
    ),
    "ben": (
        "Cooked meals and gave recipes for baking bread, cakes, soups and sauces.",
        "Explained kitchen techniques, ingredients, spices and how long to roast or boil food.",
        "Planned menus and told how to store vegetables, meat and cheese.",
    ),
    "cleo": (
        "Gave advice on symptoms, medicine, illness, doctors and first aid.",
        "Explained nutrition, vitamins, sleep, pain, blood pressure and the human body.",
        "Told how to treat wounds, fever, burns, allergies and infections.",
    ),
    "dov": (
        "Explained contracts, rent law, notice periods, courts and employment law.",
        "Answered questions about copyright, liability, inheritance, divorce and fines.",
        "Read terms of service and told what a tenant, landlord or buyer may legally do.",
    ),
    "eva": (
        "Planned trips, flights, trains, hotels and itineraries in foreign cities.",
        "Knows visas, luggage, airports, sights, beaches and the best season to travel.",
        "Recommended hiking tours, museums and places to stay on holiday.",
    ),
    "finn": (
        "Explained planets, stars, physics, energy, gravity and light.",
        "Answered questions on chemistry, atoms, molecules, electricity and climate.",
        "Calculated speeds, forces, orbits and temperatures in science problems.",
    ),
    "gia": (
        "Told about wars, empires, kings, revolutions and ancient history.",
        "Dated battles, treaties and inventions, and explained how past societies lived.",
        "Wrote about the Roman Empire, the Middle Ages and the world wars.",
    ),
    "hugo": (
        "Compared loans, interest rates, savings, stocks, funds and mortgages.",
        "Explained taxes, invoices, inflation, pensions and household budgets.",
        "Calculated returns of investments and the price of insurance.",
    ),
}
"""By name, what each has done."""

ASKED: Mapping[str, tuple[str, ...]] = {
    "ada": (
        "Why does my for loop skip the last element of the list?",
        "How do I undo a git commit that I already pushed?",
        "What is the difference between a stack and a queue?",
        "My query with two joins is slow, which index do I need?",
        "What does 'segmentation fault' mean?",
        "How can I mock an HTTP call in a test?",
        "Is quicksort faster than merge sort?",
        "How do I parse JSON from an API in JavaScript?",
        "Why does the program say 'module not found'?",
        "When should I use a class rather than a function?",
    ),
    "ben": (
        "How long does a chicken of two kilos stay in the oven?",
        "My dough does not rise, what is wrong?",
        "What can I use instead of eggs in pancakes?",
        "How do I thicken a gravy?",
        "Can one freeze cooked rice?",
        "Which spice goes well with pumpkin?",
        "How do you poach an egg?",
        "How much salt for pasta water?",
        "What do I serve with salmon for six guests?",
        "Why does my caramel turn bitter?",
    ),
    "cleo": (
        "I have had a headache for three days, should I worry?",
        "How do I cool a burn on my hand?",
        "Can I take ibuprofen together with aspirin?",
        "What helps against a blocked nose at night?",
        "Is a temperature of 38.5 dangerous for a baby?",
        "Which foods contain a lot of iron?",
        "My knee hurts when I climb stairs, what could it be?",
        "How many hours of rest does a teenager need?",
        "What should I do if someone faints?",
        "Does a bee sting need treatment?",
    ),
    "dov": (
        "May my landlord enter the flat without asking?",
        "Can I be dismissed while I am on parental leave?",
        "Who inherits if there is no will?",
        "Do I have to pay a parking ticket on private ground?",
        "Is it allowed to publish a photo of somebody else?",
        "How do I cancel a gym membership early?",
        "Can I return a used car if the seller lied?",
        "What happens if I do not sign the agreement?",
        "Is a verbal promise binding?",
        "My neighbour built a fence on my land, can I sue?",
    ),
    "eva": (
        "What should we see in Lisbon in two days?",
        "Do I need a visa for Vietnam?",
        "Is it cheaper to fly to Rome on a Tuesday?",
        "How much baggage can I take on board?",
        "When is the rainy season in Thailand?",
        "Which coast of Croatia is good with small children?",
        "How do I get from the airport to the centre of Oslo?",
        "Is a rail pass worth it for Switzerland?",
        "Where can one walk in the mountains near Innsbruck?",
        "Which area of Tokyo should I book a room in?",
    ),
    "finn": (
        "Why is the sky blue?",
        "How far away is the nearest star?",
        "Why does ice float on water?",
        "What is the speed of sound at sea level?",
        "How does a battery store charge?",
        "What would happen if the moon disappeared?",
        "Why do metals conduct heat so well?",
        "What are black holes made of?",
        "How hot is the surface of Venus?",
        "What is the difference between mass and weight?",
    ),
    "gia": (
        "When did Constantinople fall?",
        "Why did the French people storm the Bastille?",
        "Who ruled Egypt when the pyramids were built?",
        "What did knights eat in a castle?",
        "How did the First World War begin?",
        "Who was the first emperor of China?",
        "What caused the decline of the Mayan civilisation?",
        "When was the printing press invented?",
        "How long did the Hundred Years' War last?",
        "What was the Silk Road used for?",
    ),
    "hugo": (
        "Should I pay off my debt or invest the money?",
        "How does compound interest work?",
        "What is the difference between a share and a bond?",
        "Can I deduct my home office?",
        "How much should I put aside for retirement each month?",
        "Is a fixed rate better than a variable one for a house?",
        "What does an exchange traded fund cost per year?",
        "Why do prices rise when central banks print money?",
        "How do I calculate VAT on a bill?",
        "Which deductible should I choose for my car's cover?",
    ),
}
"""By name of who can answer it best, ten questions each."""
